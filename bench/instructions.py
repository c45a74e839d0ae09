"""Instructions per item of the micro-benchmarks and of whole calls, against recorded ones: `make bench-check`.

Counts do not depend on how busy or fast a machine is, so a regression of a few per cent shows anywhere. What they do
depend on is stated beside the recorded counts (compiler, C library, valgrind, interpreter, width of the registers);
where that differs, rows are shown and not compared. `--record` writes `bench/results/instructions.json` anew.

Micro-benchmarks run with 20 and with 120 iterations, and the difference counts: set-up and the first, cold iterations
cancel out. Whole calls (`counted_calls.py`) run against an embedded server in a process of its own; the median of their
repetitions counts, for a timer or a signal falls into a few of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import build
from clients import ROOT, Server

MICRO = ROOT / "build/release/bench/aero_bench"
RECORDED = ROOT / "bench/results/instructions.json"
PLACE = ROOT / "build/counts"
FEW, MANY = 20, 120  # iterations
WORSE = 1.03
SLACK = 0.5  # instructions: what a row of a handful may gain without being told off
LIMIT_S = 240
# Nothing from outside may change what is executed: hash seeds, lazy binding, string functions chosen by processor.
FIXED = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C",
    "LD_BIND_NOW": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM:"
    "glibc.cpu.x86_non_temporal_threshold=0xc0000",
}
MICRO_DEPENDS_ON = ["architecture", "compiler", "C library", "valgrind"]
CALLS_DEPEND_ON = [*MICRO_DEPENDS_ON, "Python", "lanes"]

Counts = dict[str, float]


def interpreter() -> str:
    """Version of this interpreter and how it was compiled."""
    chosen = sysconfig.get_config_var("CONFIG_ARGS") or ""
    kinds = [name for name in ("enable-optimizations", "with-lto", "enable-shared", "with-pydebug") if name in chosen]
    return " ".join([platform.python_version(), platform.python_compiler(), *kinds])


def facts(micro: Counts) -> dict[str, str]:
    """What counts depend on."""
    lanes = [name.rpartition("/")[2] for name in micro if name.startswith("digests_short_keys/")]
    return {
        "architecture": platform.machine(),
        "compiler": build.compiler(),
        "C library": " ".join(platform.libc_ver()),
        "valgrind": build.first_line("valgrind", "--version"),
        "Python": interpreter(),
        "lanes": lanes[-1],
    }


def callgrind(dumps: Path, options: list[str], command: list[str], environment: dict[str, str]) -> str:
    """Runs a program under callgrind and gives what it printed."""
    shutil.rmtree(dumps, ignore_errors=True)
    dumps.mkdir(parents=True)
    full = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={dumps / 'out'}", *options, *command]
    outcome = subprocess.run(
        full, cwd=ROOT / "bench", env=FIXED | environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if outcome.returncode != 0:
        sys.exit(f"bench-check: `{' '.join(command)}` failed:\n{outcome.stdout[-2000:]}{outcome.stderr[-4000:]}")
    return outcome.stdout


def total_of(dump: Path) -> int:
    """The instructions of one dump."""
    found = re.search(r"^totals: (\d+)$", dump.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{dump.name} has no totals")
    return int(found.group(1))


def plain_name(name: str) -> str:
    """A benchmark's name without what says how often it ran."""
    return re.sub(r"/(iterations:\d+|threads:1)(?=/|$)", "", name)


def run_micro(iterations: int) -> dict[str, tuple[int, float]]:
    """Instructions of every micro-benchmark with so many iterations, and its items in one iteration."""
    dumps = PLACE / f"micro-{iterations}"
    state = "benchmark::State"
    options = [f"--zero-before={state}::StartKeepRunning()", f"--dump-before={state}::FinishKeepRunning()"]
    command = [str(MICRO), "--benchmark_format=json", "--benchmark_filter=-threads:[2-9]"]
    printed = callgrind(dumps, options, command, {"AERO_BENCH_ITERATIONS": str(iterations)})
    rows = [row for row in json.loads(printed)["benchmarks"] if not row.get("error_occurred")]
    for row in rows:
        assert row["iterations"] == iterations, f"{row['name']} is not registered with ->Apply(testing::countable)"
    return {
        plain_name(row["name"]): (total_of(dumps / f"out.{number}"), row.get("items", 1.0))
        for number, row in enumerate(rows, 1)
    }


def count_micro() -> Counts:
    """Instructions per item of every micro-benchmark."""
    few, many = run_micro(FEW), run_micro(MANY)
    return {name: (many[name][0] - few[name][0]) / (MANY - FEW) / items for name, (_, items) in few.items()}


def count_calls() -> Counts:
    """Instructions per item of whole calls."""
    dumps = PLACE / "calls"
    options = ["--separate-threads=yes", "--zero-before=getpgrp", "--dump-before=getsid"]
    os.environ.pop("AEROSPIKE_HOST", None)  # the peer is always the embedded server: its replies do not change
    server = Server()
    try:
        command = [sys.executable, "counted_calls.py", server.host, str(server.port)]
        printed = callgrind(dumps, options, command, {})
    finally:
        server.close()
    chunks: dict[str, list[float]] = {}
    for number, row in enumerate(json.loads(printed), 1):
        total = total_of(dumps / f"out.{number}-01")
        chunks.setdefault(row["name"], []).append(total / row["calls"] / row["items"])
    return {name: statistics.median(values) for name, values in chunks.items()}


def differing(now: dict[str, str], recorded: dict[str, str], depends_on: list[str]) -> list[str]:
    """What makes counts of here and now incomparable with the recorded ones."""
    return [
        f"{name}: {now.get(name)} here, {recorded.get(name)} recorded"
        for name in depends_on
        if now.get(name) != recorded.get(name)
    ]


def judge(name: str, now: Counts, recorded: Counts, comparable: bool) -> str:
    """One row's verdict: `ok`, `better`, `WORSE`, `NOT RECORDED`, `GONE` or `not compared`."""
    if not comparable:
        return "not compared"
    if name not in now:
        # A width of registers that this processor, or valgrind, does not have.
        return "not here" if name.startswith("digests_short_keys/") else "GONE"
    if name not in recorded:
        return "NOT RECORDED"
    if now[name] > recorded[name] * WORSE + SLACK:
        return "WORSE"
    return "better" if now[name] * WORSE < recorded[name] else "ok"


def compare(title: str, now: Counts, recorded: Counts, differences: list[str]) -> int:
    """Prints a table; gives how many rows fail."""
    print(f"\n{title:<48}{'now':>12}{'recorded':>12}{'change':>9}")
    for line in differences:
        print(f"  not compared, because of {line}")
    failed = 0
    for name in [*now, *[gone for gone in recorded if gone not in now]]:
        verdict = judge(name, now, recorded, not differences)
        failed += verdict.isupper()
        figures = [f"{side[name]:,.1f}" if name in side else "-" for side in (now, recorded)]
        change = f"{(now[name] / recorded[name] - 1) * 100:+.2f} %" if name in now and name in recorded else ""
        print(f"{name:<48}{figures[0]:>12}{figures[1]:>12}{change:>9}  {verdict}")
    return failed


def print_switches(calls: Counts) -> None:
    """What a switch costs a call, in instructions."""
    print("\nwhat a switch costs, in instructions of a call")
    for base, other, what in [
        ("get", "get, stages on", "stage profiling, sync get"),
        ("asyncio get", "asyncio get, stages on", "stage profiling, asyncio get"),
        ("batch of 200 to dict", "batch of 200 to dict, stages on", "stage profiling, batch of 200 (per key)"),
        ("get, metrics off", "get", "operation metrics, sync get"),
    ]:
        cost = calls[other] - calls[base]
        print(f"  {what:<46}{cost:>12,.1f}{cost / calls[base] * 100:>+8.2f} %")


def record(now: dict[str, str], micro: Counts, calls: Counts) -> None:
    """Writes the counts down."""
    rounded: dict[str, Any] = {
        "facts": now,
        "micro": {name: round(value, 2) for name, value in micro.items()},
        "calls": {name: round(value, 2) for name, value in calls.items()},
    }
    RECORDED.write_text(json.dumps(rounded, indent=1) + "\n")
    print(f"written to {RECORDED.relative_to(ROOT)}")


def main() -> int:
    """Counts, then records or compares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the counts down instead of comparing them")
    chosen = parser.parse_args()
    start = time.monotonic()
    micro, calls = count_micro(), count_calls()
    now = facts(micro)
    known = json.loads(RECORDED.read_text()) if RECORDED.exists() else {"facts": now, "micro": {}, "calls": {}}
    failed = compare(
        "micro-benchmark, instructions per item",
        micro,
        known["micro"],
        differing(now, known["facts"], MICRO_DEPENDS_ON),
    )
    failed += compare(
        "whole call in Python, instructions per item",
        calls,
        known["calls"],
        differing(now, known["facts"], CALLS_DEPEND_ON),
    )
    print_switches(calls)
    if chosen.record:
        record(now, micro, calls)
        return 0
    print(f"\nbench-check: {failed} rows fail, {time.monotonic() - start:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
