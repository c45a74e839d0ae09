"""Python suites on extensions built with AddressSanitizer and UndefinedBehaviorSanitizer (preset `py-asan`).

`python3 tools/sanitized_python.py REPORT.xml` builds them, lays them beside the Python files of the package in
`build/py-asan`, with an environment that sees these before the installed package, and runs the suites that go through
most of the binding; `--full` runs more of them. Suites that measure memory are left out: what a sanitizer holds back
would be measured. So is the suite of forks: the sanitizer does not hold its allocator's locks over a fork, as the C
library does, so a child can find one taken for ever by a thread that it does not have. A leak counts when one of ours
allocated; the interpreter keeps things of its own at its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from laid_extensions import ROOT, lay, run

PLACE = ROOT / "build/py-asan"
PYTHON = PLACE / "venv/bin/python"
OUR_FILES = ("/_aerospike.", "/_server.")
# A forked child leaves what its parent's tend thread was at as it is; the C++ tests watch it in the parent.
LEFT_ON_PURPOSE = ("aero::cluster::link_driver", "aero::cluster::tender")
FRAMES_OF_AN_ALLOCATION = 6  # the allocator's own and those just above it

CHOSEN = [
    "tests/unit/test_decoding.py",
    *(
        f"tests/integration/test_{name}.py"
        for name in [
            "async_face",
            "awaitable",
            "batch_read",
            "batch_write",
            "concurrency",
            "errors",
            "golden_replay",
            "keys",
            "lazy_batch_records",
            "life_cycle",
            "logging",
            "numpy",
            "operate",
            "policies",
            "profiling",
            "single_record",
            "stages",
            "values",
        ]
    ),
    "tests/adversity/test_asyncio.py",
]
MORE = [
    *(
        f"tests/integration/test_{name}.py"
        for name in [
            "connections",
            "demo",
            "embedded_cluster",
            "info_truncate",
            "login",
            "pytest_plugin",
            "racks",
            "server_program",
        ]
    ),
    "tests/adversity/test_interrupts.py",
    "tests/adversity/test_seeds.py",
]


def build() -> bool:
    """The extensions, and an environment in which they come before those of `.venv`."""
    (installed,) = (ROOT / ".venv/lib").glob("python3*/site-packages")
    return lay("py-asan", ROOT / ".venv/bin/python", "--without-pip", beside=installed)


def library(name: str) -> str:
    """Where the compiler has one of its libraries."""
    return subprocess.run(
        ["c++", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()


def is_ours(block: str) -> bool:
    """Whether what leaked was allocated by our code, and should not have been left."""
    if any(name in block for name in LEFT_ON_PURPOSE):
        return False
    frames = [line for line in block.splitlines() if line.lstrip().startswith("#")]
    return any(name in frame for frame in frames[:FRAMES_OF_AN_ALLOCATION] for name in OUR_FILES)


def findings() -> list[str]:
    """What sanitizers of all processes wrote, leaks of others left out."""
    found = []
    for report in sorted(PLACE.glob("report.*")):
        text = report.read_text(errors="replace")
        if "ERROR: AddressSanitizer" in text or "runtime error:" in text:
            found.append(text)
            continue
        found.extend(block for block in text.split("\n\n") if "leak of" in block and is_ours(block))
    return found


def main() -> int:
    """Builds, runs and judges."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", help="JUnit file to write")
    parser.add_argument("--full", action="store_true", help="more suites")
    chosen = parser.parse_args()
    if not build():
        return 1
    for old in PLACE.glob("report.*"):
        old.unlink()
    log = f"log_path={PLACE / 'report'}"
    status = run(
        str(PYTHON),
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={chosen.report}"),
        *CHOSEN,
        *(MORE if chosen.full else []),
        LD_PRELOAD=f"{library('libasan.so')} {library('libstdc++.so')}",
        PYTHONMALLOC="malloc",  # so that what Python objects point to is seen as reached
        ASAN_OPTIONS=f"detect_leaks=1:exitcode=77:{log}",
        UBSAN_OPTIONS=f"print_stacktrace=1:{log}",
        LSAN_OPTIONS="exitcode=0",
    )
    found = findings()
    for each in found:
        print(each)
    print(f"sanitizers: {len(found)} findings")
    return 1 if status != 0 or found else 0


if __name__ == "__main__":
    sys.exit(main())
