"""The report of `growth.py`: how straight every curve is, one picture of small ones, a section of the page."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "## How cost grows"

SECTION = """\
## How cost grows

`make bench-growth` changes one size at a time and measures our client against the embedded server, kept on another
core: CPU of the client's process, the cheapest of five rounds. Where cost should grow in a straight line, the dashed
one is `fixed + slope * size`, fitted in ratio, and the table says how far the farthest point is from it; elsewhere
cost should not grow, and the table compares the dearest point with the cheapest.
"""

EXPLANATIONS = """\
What bends, and why:

- *Keys.* From 400 rows on a batch is split over two connections and pays for a second message. From some 10,000 keys
  on a reply is larger than what the pool of reply memory keeps (8 MiB), and the dictionaries of one result are more
  than the interpreter keeps between two calls: their pages go back to the system and are touched for the first time
  again (0.04 page faults per key of an untouched result, 0.1 of a dictionary, none below), and they leave the caches.
- *Bins.* Straight: every bin is decoded once, and its name is found by its place.
- *Bytes.* A value below some kilobytes disappears beside the price of a message. Above, the kernel copies it and
  hands it over in several pieces, each a call of its own.
- *Nodes.* A batch becomes one message per node, each with its price of sending, waking up and receiving. A get asks
  one node, however many there are (tending 32 costs 0.7 ms of CPU per second); what it pays more at 32 is the longer
  wait for a server whose 64 threads share one core.
- *Gets at a time.* One get pays for its wake-up alone; a hundred share it, and merged ones the message too. From a
  thousand on the tasks and results in flight leave the caches between two steps, and Python's cyclic collector walks
  over all of them again and again: at ten thousand it is a third of the cost (13 us a get, 8 with `gc.disable()`).
- *Connections.* With few, fewer replies wait when the loop wakes up, so that fewer gets share the price of it.
- *Loops.* They share the core and take turns by the GIL; none pays for another. Without a GIL see the cases of two
  loops in the table above.
"""


@dataclass(frozen=True)
class Sweep:
    """One size that is changed. `straight`: cost grows with it in a line; otherwise it should not grow."""

    name: str
    title: str
    unit: str  # what CPU is given per
    straight: bool


@dataclass(frozen=True)
class Point:
    """The cheapest round at one size."""

    sweep: str
    curve: str
    size: int
    cpu_us: float
    p50_us: float
    per_s: float

    def plain(self) -> dict[str, Any]:
        """For a JSON line."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in dataclasses.asdict(self).items()
        }


@dataclass(frozen=True)
class Line:
    """`fixed + slope * size`."""

    fixed: float
    slope: float

    def at(self, size: float) -> float:
        """The cost on the line."""
        return self.fixed + self.slope * size


def fit(sizes: list[int], costs: list[float]) -> Line:
    """The line with the least squares of `(line - cost) / cost`, so that small sizes count as much as large ones."""
    # Weights 1 / cost: solves the normal equations of  fixed * (1 / c) + slope * (x / c) = 1.
    ones = [1 / cost for cost in costs]
    scaled = [size / cost for size, cost in zip(sizes, costs, strict=True)]
    aa = sum(one * one for one in ones)
    ab = sum(one * x for one, x in zip(ones, scaled, strict=True))
    bb = sum(x * x for x in scaled)
    a, b = sum(ones), sum(scaled)
    determinant = aa * bb - ab * ab
    if determinant == 0:
        return Line(statistics.fmean(costs), 0.0)
    return Line((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant)


def curves_of(sweep: Sweep, points: list[Point]) -> dict[str, list[Point]]:
    """The points of a sweep by curve, in order of size."""
    curves: dict[str, list[Point]] = {}
    for point in sorted((one for one in points if one.sweep == sweep.name), key=lambda one: one.size):
        curves.setdefault(point.curve, []).append(point)
    return curves


def describe(sweep: Sweep, curve: list[Point]) -> str:
    """What a curve does, in a few words."""
    costs = [point.cpu_us for point in curve]
    if not sweep.straight:
        cheapest, dearest = min(curve, key=lambda p: p.cpu_us), max(curve, key=lambda p: p.cpu_us)
        return (
            f"{cheapest.cpu_us:.2f} us at {cheapest.size:,} .. {dearest.cpu_us:.2f} us at {dearest.size:,}"
            f"  (x {dearest.cpu_us / cheapest.cpu_us:.2f})"
        )
    line = fit([point.size for point in curve], costs)
    ratios = [(point.cpu_us / line.at(point.size), point.size) for point in curve]
    worst, size = max(ratios, key=lambda pair: abs(pair[0] - 1))
    return f"{line.fixed:.1f} us + {line.slope:.4g} us each, farthest {(worst - 1) * 100:+.0f} % at {size:,}"


def table(sweeps: list[Sweep], points: list[Point]) -> str:
    """A line for every curve."""
    lines = [f"{'size':<22}{'curve':<30}CPU per call or get"]
    for sweep in sweeps:
        for name, curve in curves_of(sweep, points).items():
            lines.append(f"{sweep.title:<22}{name:<30}{describe(sweep, curve)}")
    return "\n".join(lines) + "\n"


def short(value: float) -> str:
    """A number for an axis: 1048576 as 1.05M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def picture(sweeps: list[Sweep], points: list[Point], path: Path) -> None:
    """A panel for every sweep, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    across = 3
    down = -(-len(sweeps) // across)
    sheet, panels = pyplot.subplots(down, across, figsize=(13, 3.6 * down), layout="constrained", squeeze=False)
    for panel in panels.flat[len(sweeps) :]:
        panel.axis("off")
    for panel, sweep in zip(panels.flat, sweeps, strict=False):
        for number, (name, curve) in enumerate(curves_of(sweep, points).items()):
            sizes, costs = [point.size for point in curve], [point.cpu_us for point in curve]
            panel.plot(sizes, costs, "o-", color=f"C{number}", markersize=3, linewidth=1.2, label=name)
            if sweep.straight:
                line = fit(sizes, costs)
                panel.plot(sizes, [line.at(size) for size in sizes], "--", color=f"C{number}", linewidth=0.8, alpha=0.6)
        panel.set_xscale("log")
        panel.set_yscale("log")
        ticks = sorted({point.size for curve in curves_of(sweep, points).values() for point in curve})
        panel.set_xticks(ticks[:: 2 if len(ticks) > 9 else 1])
        panel.minorticks_off()
        panel.xaxis.set_major_formatter(lambda value, _: short(value))
        panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(lambda value, _: short(value))
        panel.set_xlabel(sweep.title, fontsize=8)
        panel.set_title(f"CPU us per {sweep.unit}, by {sweep.title}", fontsize=9)
        panel.tick_params(labelsize=7)
        panel.grid(alpha=0.25)
        panel.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, dpi=110)
    pyplot.close(sheet)


def section_of(page: str) -> str:
    """The section about growth in a page, or nothing."""
    _, mark, rest = page.partition(MARK)
    return mark + rest


def write_section(text: str, path: Path, image: str) -> None:
    """Puts the section at the end of the page, in the place of an older one."""
    page = path.read_text() if path.exists() else ""
    before = page.partition(MARK)[0].rstrip()
    path.write_text(f"{before}\n\n{SECTION}\n![CPU by size]({image})\n\n```text\n{text}```\n\n{EXPLANATIONS}")
