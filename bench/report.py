"""The report of a run: a text table, the gates, a picture, and the page docs/performance.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gates
import reasons
from cases import Case
from clients import CORE, FLOOR, FREE_THREADED, OURS, TITLES
from growth_report import section_of
from results import Results, Spread

LIMITS = """\
# Performance

What these figures do not say comes first.

- One machine, one server process on the same machine, loopback instead of a network: a real network adds its own time
  to every p50, and a real cluster its own spread. Only figures of one run may be divided by each other.
- Server and clients share the processor, so a client that burns less also gets a faster server here.
- CPU is user and system time of the client's process, all its threads included.
- Records of eight small bins in memory. Larger values move every client towards the speed of copying bytes.
- Each client is called as its own documentation advises, by a thin driver in [bench/drivers](../bench/drivers), with
  its default settings apart from a timeout of 5 seconds for batches. Others may know better; the drivers are short.
- A synchronous client used from asyncio goes through a thread pool, because its documentation has no other way.
- The C client called from C is not here: it comes only as a package of its vendor. Its Python binding stands for it.

What a ratio to the floor means. The floor is no client: it sends prepared requests for the same keys over one
connection and does not look into the replies, so its CPU is the kernel's price of sending, waiting, being woken and
receiving. With one call at a time that price depends on where client and server run: on one core a wake-up costs a
third of what it costs across cores (floor 8 us of CPU and 17 us of latency against 30 and 40, same machine, same
minute), and a scheduler left alone goes from one to the other between rounds. Client and server are therefore kept on
different cores in every case with one call at a time, as they are on different machines in service. Ratios of rounds
that were not placed alike say nothing; neither do those of a run on a busy machine, because a core that never sleeps
is cheap to wake.

How it is measured: every client runs in a process and an environment of its own; rounds are interleaved, client after
client within each case; answers are compared with what was stored before anything is timed; debug builds are refused.
`make bench` repeats it all, [bench/README.md](../bench/README.md) explains it.
"""


def figure(spread: Spread | None, digits: int) -> str:
    """A spread or a dash."""
    return "-" if spread is None else spread.text(digits)


def row_of(results: Results, case: Case, client: str) -> list[str]:
    """One client in one case."""
    if case.toggle:
        off, on_us = results.median(case.name, client, "cpu_off_us"), results.median(case.name, client, "cpu_us")
        assert off is not None
        assert on_us is not None
        return [TITLES[client], f"off {off:.2f}", f"on {on_us:.2f}", f"{(on_us / off - 1) * 100:+.1f} %", ""]
    cpu = results.spread(case.name, client, "cpu_key_us" if case.is_batch else "cpu_us")
    p50 = results.spread(case.name, client, "p50_us")
    p99 = results.median(case.name, client, "p99_us")
    per_s = results.median(case.name, client, "per_s")
    assert p99 is not None
    assert per_s is not None
    digits = 3 if case.is_batch else 1
    return [TITLES[client], figure(cpu, digits), figure(p50, 1), f"{p99:.1f}", f"{per_s * case.keys:,.0f}"]


def column_lines(results: Results, case: Case) -> list[str]:
    """A case with figures of its own."""
    lines = [f"{case.title:<42}" + "".join(f"{title:>32}" for _, title in case.columns)]
    for client in results.clients_of(case.name):
        cells = []
        for name, _ in case.columns:
            known = any(name in sample for sample in results.samples[case.name, client])
            cells.append(figure(results.spread(case.name, client, name), 1) if known else "-")
        lines.append(f"{TITLES[client]:<42}" + "".join(f"{cell:>32}" for cell in cells))
    return lines


def table(results: Results) -> str:
    """The figures of every case: least .. median .. most of the rounds."""
    lines = []
    for case in results.measured_cases():
        if case.columns:
            lines += [*column_lines(results, case), ""]
            continue
        unit = "key" if case.is_batch else "call"
        head = [case.title, f"CPU us per {unit}", "p50 us", "p99 us", f"{unit}s/s"]
        if case.toggle:
            head = [case.title, "CPU us per call", "", "cost", ""]
        rows = [head] + [row_of(results, case, client) for client in results.clients_of(case.name)]
        for row in rows:
            lines.append(f"{row[0]:<42}{row[1]:>26}{row[2]:>32}{row[3]:>12}{row[4]:>14}".rstrip())
        lines.append("")
    return "\n".join(lines)


def gate_title(gate: gates.Gate) -> str:
    """The case, and who is meant where it is not the Python client."""
    title = gates.case_named(gate.case).title
    return f"{title}, free-threaded" if gate.client == FREE_THREADED else title


def gate_table(results: Results, wanted: list[gates.Gate]) -> tuple[str, int]:
    """The gates with their figures, and how many are not met."""
    lines = [
        f"{'case':<52}{'figure':<12}{'ours':>11}{'other':>11}{'ratio':>8}{'bound':>8}   {'compared with':<40}verdict"
    ]
    missed = 0
    for gate in wanted:
        verdict = gate.judge(results)
        if verdict is None:
            lines.append(f"{gate_title(gate):<52}{gate.figure:<12}{'not measured':>22}")
            missed += 1
            continue
        missed += not verdict.met
        who = TITLES.get(verdict.who, verdict.who)
        lines.append(
            f"{gate_title(gate):<52}{gate.figure:<12}{verdict.ours:>11.2f}{verdict.theirs:>11.2f}{verdict.ratio:>8.3f}"
            f"{verdict.bound:>8.3f}   {who:<40}{'met' if verdict.met else 'MISSED'}"
        )
    return "\n".join(lines), missed


def on(python: str) -> str:
    """The interpreter of a client, where it has one."""
    return "" if python == "-" else f", Python {python}"


def facts_text(facts: dict[str, Any]) -> str:
    """Machine, versions, build and load."""
    machine = facts["machine"]
    versions = ", ".join(
        f"{known['client']} {known['version']} ({known['build']}{on(known['python'])})" for known in facts["versions"]
    )
    return (
        f"{facts['date']}, {facts['server']}, {facts['rounds']} rounds, load before {machine['load']:.2f}, "
        f"{facts['pinned']}\n"
        f"{machine['cores']} x {machine['processor']}, {machine['kernel']}, Python {facts['python']}\n"
        f"built by {facts['build']}\n"
        f"{versions}\n"
    )


def report(results: Results) -> tuple[str, int]:
    """The whole text, and how many binding gates are missed."""
    first, missed = gate_table(results, gates.FIRST)
    following, _ = gate_table(results, gates.NEXT)
    text = (
        f"{facts_text(results.facts)}\n{table(results)}\n"
        f"Binding (medians of this run)\n{first}\n\nWhere it goes next (printed, not binding)\n{following}\n"
    )
    return text, missed


def picture(results: Results, path: Path) -> None:
    """CPU per call or key of every client, one panel per case that more than one can do."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours = {FLOOR: "#9e9e9e", CORE: "#8e24aa", OURS: "#c62828", FREE_THREADED: "#ef9a9a"}
    colours |= {"official": "#1565c0", "aerospike_py_community": "#2e7d32"}
    cases = [case for case in results.measured_cases() if case.is_plain and len(results.clients_of(case.name)) > 1]
    if not cases:
        return
    across = 4
    down = -(-len(cases) // across)
    sheet, panels = pyplot.subplots(down, across, figsize=(16, 2.0 * down), layout="constrained")
    for panel in panels.flat[len(cases) :]:
        panel.axis("off")
    for panel, case in zip(panels.flat, cases, strict=False):
        name = "cpu_key_us" if case.is_batch else "cpu_us"
        spreads = [(client, results.spread(case.name, client, name)) for client in results.clients_of(case.name)]
        known = [(client, spread) for client, spread in spreads if spread is not None]
        medians = [spread.median for _, spread in known]
        errors = [[s.median - s.least for _, s in known], [s.most - s.median for _, s in known]]
        shades = [colours.get(client, "#f9a825") for client, _ in known]
        bars = panel.barh([TITLES[client] for client, _ in known], medians, xerr=errors, color=shades)
        panel.bar_label(bars, [f"{value:.3g}" for value in medians], padding=4, fontsize=7)
        panel.invert_yaxis()
        panel.margins(x=0.15)
        panel.set_title(f"{case.title}: CPU us per {'key' if case.is_batch else 'call'}", fontsize=8)
        panel.tick_params(labelsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.savefig(path, dpi=110)
    pyplot.close(sheet)


def missed_section(results: Results) -> str:
    """What the run missed, how far, and why."""
    verdicts = [verdict for gate in [*gates.FIRST, *gates.NEXT] if (verdict := gate.judge(results)) and not verdict.met]
    if not verdicts:
        return ""
    lines = [
        "## What misses its mark, and why",
        "",
        "Of the run above. A ratio is ours over what it is compared with; a bound is what it may be.",
        "",
        "| case | figure | compared with | ratio | bound | why |",
        "|---|---|---|---|---|---|",
    ]
    for each in verdicts:
        who = TITLES.get(each.who, each.who)
        lines.append(
            f"| {gate_title(each.gate)} | {each.gate.figure} | {who} | {each.ratio:.3f} | {each.bound:.3f} "
            f"| {reasons.reason_of(each.gate)} |"
        )
    return "\n".join(lines) + "\n"


def write_page(results: Results, text: str, path: Path, image: str) -> None:
    """docs/performance.md: limits, the picture and the figures of the last full run, what misses, how cost grows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    growth = section_of(path.read_text()) if path.exists() else ""
    page = f"{LIMITS}\n![CPU of every client in every case]({image})\n\n```text\n{text}```\n"
    path.write_text("\n".join(part for part in (page, missed_section(results), growth) if part))
