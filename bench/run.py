"""Measures every client with the one workload and says whether ours is where it has to be: `make bench`.

Rounds are interleaved: within a case every client runs once per round, in an order that rotates. A quick run
(`--quick`) has fewer calls and rounds, writes to `build/bench/` and leaves the page docs/performance.md alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import build
import report
from cases import CASES, MEMORY_OPS, Case
from clients import (
    CORE,
    FLOOR,
    FREE_THREADED,
    OURS,
    RIVALS,
    ROOT,
    TITLES,
    Child,
    Cores,
    Server,
    interpreter_of,
    wait_until_quiet,
)
from gates import FREE_THREADED_CASES
from results import Results

ROUNDS_MIN = 5
QUICK_SHARE = 0.25


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": build.processor(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": wait_until_quiet(),
    }


def start_children(names: list[str], server: Server, place: Path) -> list[Child]:
    """A process per client; a client that cannot start is an error, not a gap in the table.

    Only the free-threaded interpreter may be missing: its source is not to be had everywhere.
    """
    pythons = {name: interpreter_of(name) for name in names}
    known = {name: python for name, python in pythons.items() if python is not None}
    return [Child(name, python, server, place / f"{name}.log") for name, python in known.items()]


def refuse_debug_builds(versions: list[dict[str, str]]) -> None:
    """Figures of a debug build help nobody."""
    for known in versions:
        if known["build"] not in ("Release", "RelWithDebInfo", "wheel"):
            sys.exit(f"bench: {known['client']} is a {known['build']} build; build it with `make build`")


def able_of(children: list[Child], case: Case) -> list[Child]:
    """Those that can do a case. On the second interpreter only what the gates ask for is measured."""
    return [
        child
        for child in children
        if (child.name != FREE_THREADED or case.name in FREE_THREADED_CASES or case.option == "parts")
        and child.ask("supports", case=case.name)
    ]


def check_answers(children: list[Child], cases: list[Case]) -> None:
    """Every client must read exactly what was stored, and write what it was given, before anything is timed."""
    for case in cases:
        if case.columns or case.toggle:
            continue
        for child in able_of(children, case):
            for seed in (1, 2):
                if not child.ask("answer", case=case.name, seed=seed):
                    sys.exit(f"bench: {TITLES[child.name]} gives a wrong answer in case {case.name}")
    print("answers of all clients are equal and right", flush=True)


def groups_of(cases: list[Case]) -> list[list[Case]]:
    """Cases that are measured together."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.group or case.name, []).append(case)
    return list(groups.values())


def calls_of(case: Case, share: float) -> int:
    """Calls of one round. What a switch costs and what memory grows need them all."""
    return case.calls if case.toggle or case.columns else max(4, int(case.calls * share))


def rounds_of(case: Case, rounds: int) -> int:
    """How often a case is measured; memory is steady from round to round, and slow to measure."""
    return rounds // 2 if case.op in MEMORY_OPS and case.op != "import" else rounds


def measure(children: list[Child], group: list[Case], rounds: int, share: float, results: Results) -> float:
    """The cases of a group, all rounds, all clients, interleaved; gives the seconds it took."""
    pairs = [(case, child) for case in group for child in able_of(children, case)]
    start = time.monotonic()
    for case, child in pairs:  # warm
        if not case.columns:
            child.ask("run", case=case.name, calls=max(2, calls_of(case, share) // 4), seed=0)
    for turn in range(max(rounds_of(case, rounds) for case in group)):
        for position in range(len(pairs)):
            case, child = pairs[(turn + position) % len(pairs)]
            sample = child.ask("run", case=case.name, calls=calls_of(case, share), seed=turn + 1)
            results.add(case.name, child.name, sample)
    return time.monotonic() - start


def finish(results: Results, quick: bool) -> int:
    """Writes and prints the report; the exit status says whether the binding gates hold (a quick run only reports)."""
    place = ROOT / ("build/bench" if quick else "bench/results")
    text, missed = report.report(results)
    results.write(place / "latest.jsonl")
    (place / "latest.txt").write_text(text)
    if quick:
        report.picture(results, place / "latest.png")
    else:
        report.picture(results, ROOT / "docs/images/performance.png")
        report.write_page(results, text, ROOT / "docs/performance.md", "images/performance.png")
    print(f"\n{text}\nwritten to {place.relative_to(ROOT)}/latest.{{txt,jsonl}}")
    return 1 if missed and not quick else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    known = [FLOOR, CORE, OURS, FREE_THREADED, *RIVALS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 minutes instead of 10, figures less steady")
    parser.add_argument("--rounds", type=int, help="rounds of every case, at least 5")
    parser.add_argument("--clients", nargs="+", choices=known, help="a quick run leaves the free-threaded one out")
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES], help="names in bench/cases.py")
    chosen = parser.parse_args()
    chosen.rounds = max(ROUNDS_MIN, chosen.rounds or (5 if chosen.quick else 7))
    chosen.clients = chosen.clients or [name for name in known if name != FREE_THREADED or not chosen.quick]
    return chosen


def facts_of(chosen: argparse.Namespace, server: Server, children: list[Child], cores: Cores) -> dict[str, Any]:
    """What the figures depend on."""
    versions = [child.ask("describe") for child in children]
    refuse_debug_builds(versions)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "clients": [child.name for child in children],
        "rounds": chosen.rounds,
        "quick": chosen.quick,
        "server": server.kind,
        "build": f"{build.compiler()}, {build.flags()}",
        "python": platform.python_version(),
        "pinned": cores.describe(),
        "machine": machine(),
        "versions": versions,
    }


def main() -> int:
    """Prepares, measures, reports."""
    chosen = arguments()
    cases = [case for case in CASES if case.name in chosen.cases]
    place = ROOT / "build/bench"
    place.mkdir(parents=True, exist_ok=True)
    server = Server()
    cores = Cores()
    children: list[Child] = []
    try:
        children = start_children(chosen.clients, server, place)
        loader = next(child for child in children if child.name not in (FLOOR, CORE))
        print(f"{loader.ask('load')} records loaded into the {server.kind}", flush=True)
        check_answers(children, cases)
        results = Results(facts_of(chosen, server, children, cores))
        share = QUICK_SHARE if chosen.quick else 1.0
        groups = groups_of(cases)
        for number, group in enumerate(groups, 1):
            cores.arrange(server, children, all(case.is_apart for case in group))
            took = measure(children, group, chosen.rounds, share, results)
            print(f"[{number:>2}/{len(groups)}] {group[0].title:<42}{took:6.1f} s", flush=True)
    finally:
        for child in children:
            child.close()
        server.close()
    return finish(results, chosen.quick)


if __name__ == "__main__":
    sys.exit(main())
