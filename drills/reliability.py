"""Writes docs/reliability.md: what the drills promise, what they found, and the limits of both first."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drill import Drill, Report

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/reliability.md"

HEAD = """# Reliability

What clusters of real processes showed when their nodes were killed, stopped and restarted under load. Written
by `make drills`, mostly with `LONG=1`; every figure is of its drill's last run.

## Limits first

- All processes share one machine and the loopback device; a real network loses and delays more.
- The nodes are embedded servers. They leave out a node after a second of silence, where a real cluster takes
  about two, and keep records in memory only.
- Deadlines are judged by the core's own clock; what the interpreter's lock adds for the caller stands beside it.
  Other times are taken in Python and hold the wait for that lock and for a processor. Bounds on times allow for
  as much of it as a thread that only sleeps saw in the same span.
- Owners of partitions change in two steps that every embedded node takes. One that is stopped between them leaves the
  records whose master changes waiting at both of their owners, for up to a second: a read that meets that fails.
  The drills stop nodes when nothing migrates.
- Two halves of a cluster that cannot reach each other, lost packets and clocks that jump are the simulator's
  ([simulator.md](simulator.md)), not the drills'.

## How a loss would show

Every write carries a number of its own. Servers log each write before they acknowledge it, to a file that
outlives a kill ([decision 0010](decisions/0010-clusters-of-processes.md)). A drill fails when a read fails,
when a read gives what an acknowledged write had replaced, when a key is not found at the end with its last
acknowledged write (or one in doubt), when an acknowledged write is in no log, when a write that was denied
without doubt is in one, and when the core ends more than one call in a thousand later than 5 ms past its deadline.

## What was found

Machine: {machine}.
"""


def write(results: list[tuple[Drill, Report]], names: list[str]) -> None:
    """What these results say, in the place of what their drills had said; `names` are all drills in their order."""
    sections = _sections(DOCUMENT.read_text(encoding="utf-8"))
    for drill, report in results:
        sections[_title(drill.name)] = _section(drill, report)
    text = HEAD.format(machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    text += "".join(sections.get(_title(name), "") for name in names)
    DOCUMENT.write_text(text, encoding="utf-8")


def _sections(document: str) -> dict[str, str]:
    """What the document says of each drill, by its title."""
    _, *parts = document.split("\n### ")
    return {part.partition("\n")[0]: "\n### " + part.removesuffix("\n") + "\n" for part in parts}


def _title(name: str) -> str:
    return name[0].upper() + name[1:]


def _section(drill: Drill, report: Report) -> str:
    text = f"\n### {_title(drill.name)}\n\nPromised: {drill.promise}.\n"
    text += "Kept.\n\n" if not report.problems else "**Not kept.**\n\n"
    text += "| figure | value |\n|---|---|\n"
    text += "".join(f"| {name} | {value} |\n" for name, value in report.figures.items())
    return text + "".join(f"\n- {problem}\n" for problem in report.problems)
