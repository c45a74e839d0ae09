"""Drills with real processes: `make drills`, `QUICK=1` for the short form of every build, `LONG=1` for the long one.

Prints a line for each drill and ends with `N passed, N failed`. The default and the long form write the figures of the
drills that ran to docs/reliability.md, and their tables to docs/flow_control.md.
"""

from __future__ import annotations

import argparse
import sys
import time

import backpressure
import crowded
import crowds
import early
import flow_control
import hiccups
import killed
import overloaded
import racks
import reliability
import restarted
import seeds
import shared
import stopped
import stormed
import together
from drill import Drill, Report, Scale

ALL: list[Drill] = [
    *killed.DRILLS,
    *early.DRILLS,
    *restarted.DRILLS,
    *stopped.DRILLS,
    *hiccups.DRILLS,
    *crowded.DRILLS,
    *backpressure.DRILLS,
    *shared.DRILLS,
    *racks.DRILLS,
    *seeds.DRILLS,
    *stormed.DRILLS,
    *overloaded.DRILLS,
    *crowds.DRILLS,
    *together.DRILLS,
]


def run_one(drill: Drill, scale: Scale) -> Report:
    """The report of a drill, whatever becomes of it."""
    try:
        return drill.run(scale)
    except Exception as error:  # a drill that breaks has failed, and the next one is run
        return Report([f"{type(error).__name__}: {error}"])


def main() -> int:
    """Run the drills; the exit status."""
    parser = argparse.ArgumentParser(description="Drills with real processes.")
    parser.add_argument("--quick", action="store_true", help="the short form, two to three minutes")
    parser.add_argument("--long", action="store_true", help="the long form")
    parser.add_argument("names", nargs="*", help="only drills whose names contain one of these words")
    chosen = parser.parse_args()
    scale = Scale(chosen.quick, chosen.long)
    drills = [d for d in ALL if not scale.short or d.in_short]
    if chosen.names:
        drills = [d for d in drills if any(word in d.name for word in chosen.names)]
    results: list[tuple[Drill, Report]] = []
    for drill in drills:
        start = time.monotonic()
        report = run_one(drill, scale)
        results.append((drill, report))
        figures = ", ".join(f"{name}: {value}" for name, value in report.figures.items())
        verdict = "FAILED" if report.problems else "passed"
        print(f"{drill.name:28} {verdict}  {time.monotonic() - start:5.1f} s  {figures}", flush=True)
        for problem in report.problems:
            print(f"    {problem}", flush=True)
    if not chosen.quick:
        flow_control.write([report for _, report in results if not report.problems])
        reliability.write(results, [drill.name for drill in ALL])
    failed = sum(bool(report.problems) for _, report in results)
    print(f"{len(drills) - failed} passed, {failed} failed")
    return 1 if failed or not drills else 0


if __name__ == "__main__":
    sys.exit(main())
