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

import report
from clients import FLOOR, OURS, RIVALS, ROOT, TITLES, Child, Server, interpreter_of, pin, wait_until_quiet
from results import Results
from workload import CASES, Case

ROUNDS_MIN = 5
QUICK_SHARE = 0.25


def processor() -> str:
    """The model name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": wait_until_quiet(),
    }


def start_children(names: list[str], server: Server, place: Path) -> list[Child]:
    """A process per client; a client that cannot start is an error, not a gap in the table."""
    for name in names:
        interpreter_of(name)
    return [Child(name, server.host, server.port, place / f"{name}.log") for name in names]


def refuse_debug_builds(versions: list[dict[str, str]]) -> None:
    """Figures of a debug build help nobody."""
    for known in versions:
        if known["build"] not in ("Release", "RelWithDebInfo", "wheel"):
            sys.exit(f"bench: {known['client']} is a {known['build']} build; build it with `make build`")


def check_answers(children: list[Child], cases: list[Case]) -> None:
    """Every client must read exactly what was stored before anything is timed."""
    for case in cases:
        if case.op == "put" or case.toggle:
            continue
        for child in children:
            if child.name == FLOOR or not child.ask("supports", case=case.name):
                continue
            for seed in (1, 2):
                if not child.ask("answer", case=case.name, seed=seed):
                    sys.exit(f"bench: {TITLES[child.name]} gives a wrong answer in case {case.name}")
    print("answers of all clients are equal and right", flush=True)


def measure(children: list[Child], cases: list[Case], rounds: int, share: float, results: Results) -> None:
    """All cases, all rounds, all clients, interleaved."""
    for number, case in enumerate(cases, 1):
        able = [child for child in children if child.ask("supports", case=case.name)]
        calls = case.calls if case.toggle else max(4, int(case.calls * share))
        start = time.monotonic()
        for child in able:
            child.ask("run", case=case.name, calls=max(2, calls // 4), seed=0)  # warm
        for turn in range(rounds):
            for position in range(len(able)):
                child = able[(turn + position) % len(able)]
                results.add(case.name, child.name, child.ask("run", case=case.name, calls=calls, seed=turn + 1))
        print(f"[{number:>2}/{len(cases)}] {case.title:<40}{time.monotonic() - start:6.1f} s", flush=True)


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
        report.write_page(text, ROOT / "docs/performance.md", "images/performance.png")
    print(f"\n{text}\nwritten to {place.relative_to(ROOT)}/latest.{{txt,jsonl}}")
    return 1 if missed and not quick else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 minutes instead of 10, figures less steady")
    parser.add_argument("--rounds", type=int, help="rounds of every case, at least 5")
    parser.add_argument("--clients", nargs="+", default=[FLOOR, OURS, *RIVALS], choices=[FLOOR, OURS, *RIVALS])
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES], help="names in bench/workload.py")
    chosen = parser.parse_args()
    chosen.rounds = max(ROUNDS_MIN, chosen.rounds or (5 if chosen.quick else 7))
    return chosen


def main() -> int:
    """Prepares, measures, reports."""
    chosen = arguments()
    cases = [case for case in CASES if case.name in chosen.cases]
    place = ROOT / "build/bench"
    place.mkdir(parents=True, exist_ok=True)
    server = Server()
    children: list[Child] = []
    try:
        children = start_children(chosen.clients, server, place)
        versions = [child.ask("describe") for child in children]
        refuse_debug_builds(versions)
        facts = {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "clients": chosen.clients,
            "rounds": chosen.rounds,
            "quick": chosen.quick,
            "server": server.kind,
            "python": platform.python_version(),
            "pinned": pin(server, children),
            "machine": machine(),
            "versions": versions,
        }
        loader = next(child for child in children if child.name != FLOOR)
        print(f"{loader.ask('load')} records loaded into the {server.kind}", flush=True)
        check_answers(children, cases)
        results = Results(facts)
        measure(children, cases, chosen.rounds, QUICK_SHARE if chosen.quick else 1.0, results)
    finally:
        for child in children:
            child.close()
        server.close()
    return finish(results, chosen.quick)


if __name__ == "__main__":
    sys.exit(main())
