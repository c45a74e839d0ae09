"""Python suites on a free-threaded CPython and extensions that ThreadSanitizer watches (preset `py-tsan`).

`python3 tools/race_watched_python.py REPORT.xml` builds the interpreter (once, into `.cache/`), the extensions and an
environment with both, and runs the suites in which threads, loops and the interpreter meet. What the interpreter itself
is known for is left out by its own list. NumPy is not watched: what it does between two of our calls is not seen, so
suites about it would find races that are none. Suites that measure time are left out too. A race that is there on
purpose must be found first.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import interpreters
from laid_extensions import ROOT, lay, run

PLACE = ROOT / "build/py-tsan"
PYTHON = PLACE / "venv/bin/python"
OUR_FILES = ("_aerospike.", "_server.")
CANARY = """
import ctypes, threading
shared, both = ctypes.create_string_buffer(1 << 16), threading.Barrier(2)
def write():
    both.wait()
    for i in range(20000):  # longer than a slice of time, so that both write at once
        ctypes.memset(shared, i & 255, len(shared))
writers = [threading.Thread(target=write) for _ in range(2)]
for each in writers: each.start()
for each in writers: each.join()
"""
SUITES = [
    *(
        f"tests/integration/test_{name}.py"
        for name in [
            "async_face",
            "awaitable",
            "batch_read",
            "batch_write",
            "concurrency",
            "lazy_batch_records",
            "life_cycle",
            "logging",
            "operate",
            "profiling",
            "single_record",
        ]
    ),
    "tests/adversity/test_asyncio.py",
    "tests/adversity/test_concurrency.py",
    "tests/adversity/test_node_loss.py",
]


def build(python: Path) -> bool:
    """The extensions, and an environment of the watched interpreter with what the suites need."""
    if not lay("py-tsan", python):
        return False
    return run(str(PYTHON), "-m", "pip", "install", "-q", "-r", "requirements/test.txt") == 0


def run_watched(*arguments: str) -> tuple[int, list[str]]:
    """Runs the watched interpreter; gives its status and the races that were reported."""
    for old in PLACE.glob("report.*"):
        old.unlink()
    options = {
        "suppressions": interpreters.WATCHED / "tsan/suppressions_free_threading.txt",
        "external_symbolizer_path": shutil.which("llvm-symbolizer-19") or shutil.which("addr2line"),
        "detect_deadlocks": 0,  # it has room for 64 locks of a thread, and to stop the others one takes more
        "exitcode": 0,
        "log_path": PLACE / "report",
    }
    status = run(str(PYTHON), *arguments, TSAN_OPTIONS=":".join(f"{name}={value}" for name, value in options.items()))
    reports = [report.read_text(errors="replace") for report in sorted(PLACE.glob("report.*"))]
    blocks = [block for text in reports for block in text.split("==================")]
    return status, [block for block in blocks if "WARNING: ThreadSanitizer" in block]


def main() -> int:
    """Builds, runs and judges."""
    if not build(interpreters.ensure_watched()):
        return 1
    if not run_watched("-c", CANARY)[1]:
        print("thread sanitizer: a race that is there was not found")
        return 1
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={sys.argv[1]}"]
    status, races = run_watched(*pytest, *SUITES)
    found = [race for race in races if any(name in race for name in OUR_FILES)]
    for each in found:
        print(each)
    print(f"thread sanitizer: {len(found)} findings")
    return 1 if status != 0 or found else 0


if __name__ == "__main__":
    sys.exit(main())
