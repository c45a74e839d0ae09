"""Does a call cost more than it did? This package beside that of an earlier commit: `make bench-since COMMIT=v0.1.0`.

Both are built into environments of their own in `.cache/bench/`, in the same way. Then two processes, one of each,
take turns on one core, a few milliseconds each, against one server on another core: what the machine does to one it
does to the other. How a process happens to lie in memory is worth some percent and stays with it, so every round has
new processes, and a round of a case gives one pair. How many rounds there are is fixed before, for who stops when he
likes what he sees is less sure than he says. The status is 1 when a case takes more.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cases import CASES, MEMORY_OPS, Case
from clients import (
    BEFORE,
    ENVIRONMENTS,
    OURS,
    ROOT,
    TITLES,
    Child,
    Cores,
    Server,
    installed_from,
    run_quietly,
    wait_until_quiet,
)
from ratios import Ratio, table
from run import check_answers, refuse_debug_builds

SLICES = 12  # of each process, in a case of a round
SLICE_SHARE = 4  # a slice has this part of a round's calls
ROUNDS = 100


def commit_of(name: str) -> str:
    """The full name of a commit."""
    found = subprocess.run(
        ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        sys.exit(f"bench: git knows no commit {name}; give one that `git log` shows")
    return found.stdout.strip()


def source_of(commit: str) -> Path:
    """The files of a commit."""
    source = ENVIRONMENTS / f"since-{commit[:12]}/source"
    if not source.exists():
        part = source.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        archive = part.with_suffix(".tar")
        run_quietly(["git", "archive", "--output", str(archive), commit])
        run_quietly(["tar", "-xf", str(archive), "-C", str(part)])
        part.rename(source)
    return source


def interpreters(commit: str) -> dict[str, str]:
    """Environments with the package of that commit and with ours, both installed the same way."""
    found = {}
    for name, source, place in (
        (BEFORE, source_of(commit), ENVIRONMENTS / f"since-{commit[:12]}/environment"),
        (OURS, ROOT, ENVIRONMENTS / "since-this-checkout"),
    ):
        print(f"{TITLES[name]} ...", flush=True)
        found[name] = installed_from(source, place, sys.executable, "build/py-plain")
    return found


def compared() -> list[Case]:
    """Cases whose CPU is that of calls alone."""
    return [
        case
        for case in CASES
        if case.is_plain and case.pinned and not case.option and not case.think_ms and case.op not in MEMORY_OPS
    ]


def pair_of(children: list[Child], case: Case, seed: int) -> list[float]:
    """CPU microseconds of a call, before and after: medians of slices that took turns."""
    calls = max(3, case.calls // SLICE_SHARE)
    slices: dict[str, list[float]] = {child.name: [] for child in children}
    for turn in range(SLICES + 1):
        for child in children if turn % 2 else reversed(children):
            sample = child.ask("run", case=case.name, calls=calls, seed=seed + turn)
            if turn > 0:  # the first one warms
                slices[child.name].append(sample["cpu_us"])
    return [statistics.median(slices[child.name]) for child in children]


def round_of(pythons: dict[str, str], server: Server, ratios: dict[str, Ratio], cases: list[Case], turn: int) -> None:
    """New processes, and one pair of each case."""
    started: dict[str, Child] = {}
    try:
        for name in pythons if turn % 2 else reversed(pythons):
            started[name] = Child(name, pythons[name], server, ROOT / f"build/bench/{name}.log")
        children = [started[name] for name in pythons]
        if turn == 0:
            refuse_debug_builds([child.ask("describe") for child in children])
            print(f"{children[0].ask('load')} records loaded into the {server.kind}", flush=True)
            check_answers(children, cases)
        for case in cases:
            ratios[case.name].add(*pair_of(children, case, turn * 100))
    finally:
        for child in started.values():
            child.close()


def measure(pythons: dict[str, str], cases: list[Case], rounds: int) -> list[Ratio]:
    """All rounds of all cases."""
    ratios = {case.name: Ratio(case.title) for case in cases}
    server = Server()
    Cores().part_from(server)
    try:
        for turn in range(rounds):
            start = time.monotonic()
            round_of(pythons, server, ratios, cases, turn)
            print(f"[{turn + 1:>3}/{rounds}] {len(cases)} cases {time.monotonic() - start:6.1f} s", flush=True)
    finally:
        server.close()
    return list(ratios.values())


def main() -> int:
    """Builds, measures, prints the table and writes it to build/bench/since.txt."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commit", help="what to compare with: anything that git knows as a commit")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"pairs of every case ({ROUNDS})")
    names = [case.name for case in compared()]
    parser.add_argument("--cases", nargs="+", default=names, choices=names, metavar="CASE", help=", ".join(names))
    chosen = parser.parse_args()
    place = ROOT / "build/bench"
    place.mkdir(parents=True, exist_ok=True)
    commit = commit_of(chosen.commit)
    pythons = interpreters(commit)
    cases = [case for case in compared() if case.name in chosen.cases]
    print(f"load before the run: {wait_until_quiet():.2f}", flush=True)
    ratios = measure(pythons, cases, chosen.rounds)
    text = f"CPU of a call, before ({commit[:12]}) and after (this checkout)\n\n{table(ratios)}\n"
    (place / "since.txt").write_text(text)
    print(f"\n{text}\nwritten to build/bench/since.txt")
    return 1 if any(each.verdict() == "MORE" for each in ratios) else 0


if __name__ == "__main__":
    sys.exit(main())
