"""Builds and runs test suites, all of them even when one fails, and counts what happened.

`python3 tools/run_tests.py dev dev-poll python` runs the C++ tests of those CMake presets and the Python suites of the
package installed in `.venv`; `py-asan` runs Python suites on extensions built with sanitizers, `py-tsan` on an
interpreter that is built so, too. `--python PATH --label NAME` runs the Python suites with another interpreter. Reports
are JUnit files in `build/reports/SUITE/`; `--count` only adds up those that are there. The last line counts: `N passed,
N failed`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build/reports"


@dataclass
class Tally:
    """What the reports of one suite say."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Tally) -> None:
        """Adds the figures of another suite."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def text(self) -> str:
        """The figures in words; skipped tests are named only when there are any."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count(folder: Path) -> Tally:
    """Adds up the JUnit files of a folder."""
    tally = Tally()
    for report in sorted(folder.rglob("*.xml")):
        for case in ET.parse(report).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                tally.failed += 1
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                tally.skipped += 1
            else:
                tally.passed += 1
    return tally


def run(command: list[str], **environment: str) -> bool:
    """Runs a command from the root of the project; true when it succeeds."""
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode == 0


def run_native(preset: str) -> bool:
    """Builds a preset and runs its tests."""
    report = REPORTS / preset
    return (
        run(["cmake", "--preset", preset, "-Wno-dev", "--log-level=WARNING"])
        and run(["cmake", "--build", "--preset", preset])
        and run(["ctest", "--preset", preset], GTEST_OUTPUT=f"xml:{report}/", GTEST_SHUFFLE="1", GTEST_BRIEF="1")
    )


def run_sanitized(label: str, full: bool) -> bool:
    """The Python suites on extensions that sanitizers watch."""
    report = REPORTS / label / "pytest.xml"
    return run([sys.executable, "tools/sanitized_python.py", str(report), *(["--full"] if full else [])])


def run_watched(label: str) -> bool:
    """The Python suites on an interpreter and extensions that are watched for races."""
    return run([sys.executable, "tools/race_watched_python.py", str(REPORTS / label / "pytest.xml")])


def run_python(python: str, label: str, arguments: list[str]) -> bool:
    """Runs the Python suites with an interpreter that has the package installed."""
    report = REPORTS / label / "pytest.xml"
    return run([python, "-m", "pytest", "-q", f"--junitxml={report}", *arguments])


def summary(suites: list[tuple[str, bool, float]], failed_steps: int = 0) -> int:
    """Prints a line per suite and the sum; gives the exit status. Steps that failed without a failed test count too."""
    total = Tally()
    broken = []
    for label, succeeded, seconds in suites:
        tally = count(REPORTS / label)
        total.add(tally)
        if not succeeded and tally.failed == 0:
            broken.append(label)
        verdict = "ok" if succeeded and not tally.failed else "FAILED"
        print(f"{label:<14} {verdict:<7} {tally.text():<32} {f'{seconds:6.1f} s' if seconds else ''}".rstrip())
    if broken:
        print(f"did not build, crashed or ended early: {', '.join(broken)}")
        total.failed += len(broken)
    total.failed = max(total.failed, failed_steps)
    print(total.text())
    return 1 if total.failed else 0


def main() -> int:
    """Reads the command line and runs the suites."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("suites", nargs="*", help="CMake presets, or `python`")
    parser.add_argument("--python", default=str(ROOT / ".venv/bin/python"), help="interpreter of the suite `python`")
    parser.add_argument("--label", default="python", help="name of the suite `python` in the reports")
    parser.add_argument("--select", action="append", default=[], help="argument for pytest, may be repeated")
    parser.add_argument("--full", action="store_true", help="more Python suites with `py-asan`")
    parser.add_argument("--count", action="store_true", help="run nothing, add up the reports that are there")
    parser.add_argument("--failed-steps", type=int, default=0, help="with --count: steps of CI that failed")
    chosen = parser.parse_args()
    if chosen.count:
        folders = sorted(REPORTS.iterdir()) if REPORTS.is_dir() else []
        return summary([(folder.name, True, 0.0) for folder in folders], chosen.failed_steps)
    results = []
    for suite in chosen.suites:
        label = chosen.label if suite == "python" else suite
        shutil.rmtree(REPORTS / label, ignore_errors=True)
        print(f"-- tests: {label}", flush=True)
        start = time.monotonic()
        if suite == "python":
            succeeded = run_python(chosen.python, label, chosen.select)
        elif suite == "py-asan":
            succeeded = run_sanitized(label, chosen.full)
        elif suite == "py-tsan":
            succeeded = run_watched(label)
        else:
            succeeded = run_native(suite)
        results.append((label, succeeded, time.monotonic() - start))
    return summary(results)


if __name__ == "__main__":
    sys.exit(main())
