"""Run every fuzz target for a while; the canaries pass by failing.

    cmake --preset fuzz && cmake --build --preset fuzz
    python fuzz/run.py --seconds 10

Corpora start from tests/golden and grow under BUILD/corpora, so a later run goes on where this one stopped. An input
that breaks a target is kept in BUILD/found and named in the output; `BUILD/fuzz/TARGET FILE` plays it again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import seed_corpus

ROOT = Path(__file__).resolve().parent.parent
CANARIES = {  # what each of them dies of
    "canary_fuzz": "deadly signal",
    "unwritten_canary_fuzz": "MemorySanitizer: use-of-uninitialized-value",
}
CANARY_SECONDS = 60  # it needs about one; this is the end of patience
GRACE_SECONDS = 60
MEMORY_MB = 2048


def run_target(executable: Path, build: Path, seconds: int) -> tuple[bool, str]:
    """Run one target; (passed, one line about it)."""
    canary = executable.name in CANARIES
    corpus, found = build / "corpora" / executable.name, build / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    limit = CANARY_SECONDS if canary else seconds
    command = [
        str(executable),
        f"-max_total_time={limit}",
        "-timeout=10",
        f"-rss_limit_mb={MEMORY_MB}",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/{executable.name}-",
        *([] if canary else [str(corpus)]),
    ]
    environment = os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit + GRACE_SECONDS, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return False, f"did not end within {limit + GRACE_SECONDS} s"
    output = done.stderr.decode(errors="replace")
    runs = re.search(r"number_of_executed_units:\s*(\d+)", output)
    count = f"{int(runs[1]):,} runs" if runs else "no runs counted"
    if canary:
        for artifact in found.glob(f"{executable.name}-*"):
            artifact.unlink()
        died = done.returncode != 0 and CANARIES[executable.name] in output
        return died, "failed, as it must" if died else "survived: nothing was fuzzed"
    if done.returncode == 0:
        return True, count
    return False, f"{count}, exit {done.returncode}\n{output[-4000:]}"


def main() -> int:
    """Run from the command line; the exit code counts as a test's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="time for each target (default 10)")
    parser.add_argument(
        "--build", type=Path, default=ROOT / "build" / "fuzz", help="build directory of the preset fuzz"
    )
    parser.add_argument("targets", nargs="*", help="only these, by name without _fuzz")
    arguments = parser.parse_args()

    executables = sorted(p for p in (arguments.build / "fuzz").glob("*_fuzz") if os.access(p, os.X_OK) and p.is_file())
    if arguments.targets:
        wanted = {name.removesuffix("_fuzz") + "_fuzz" for name in arguments.targets}
        unknown = wanted - {p.name for p in executables}
        if unknown:
            parser.error(f"no such target in {arguments.build}: {', '.join(sorted(unknown))}")
        executables = [p for p in executables if p.name in wanted]
    if not executables:
        parser.error(f"no fuzz targets in {arguments.build}: build the preset fuzz first")

    seed_corpus.write_corpora(arguments.build / "corpora")
    passed = 0
    for number, executable in enumerate(executables, 1):
        started = time.monotonic()
        good, text = run_target(executable, arguments.build, arguments.seconds)
        passed += good
        mark = "ok  " if good else "FAIL"
        took = time.monotonic() - started
        print(f"[{number}/{len(executables)}] {mark} {executable.name} {took:.1f} s: {text}", flush=True)
    failed = len(executables) - passed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
