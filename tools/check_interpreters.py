"""`pip install .` into a clean environment of every CPython that is here, a smoke test in each, the suites in some.

The suites run on the free-threaded interpreter, and on 3.11 when `.venv`, where `make test` runs them, is another.
Compiling the core once serves all interpreters through ccache; only the binding is compiled anew for each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import interpreters
from tidy import ROOT

PLACE = ROOT / "build/interpreters"
LIMIT_S = 1200


def run(*command: str) -> bool:
    """Runs a command outside the project's folder of sources; its output is shown only when it fails."""
    outcome = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if outcome.returncode != 0:
        print(f"`{' '.join(command)}`:\n{outcome.stdout[-4000:]}{outcome.stderr[-4000:]}", flush=True)
    return outcome.returncode == 0


def install(known: interpreters.Interpreter) -> tuple[bool, str]:
    """A clean environment with the package in it; whether that worked, and its interpreter."""
    place = PLACE / known.tag
    shutil.rmtree(place, ignore_errors=True)
    python = str(place / "bin/python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    done = (
        run(known.path, "-m", "venv", str(place))
        and run(*pip, f"{ROOT}[numpy]", "-c", str(ROOT / "requirements/demo.txt"))
        and run(python, "-W", "error", str(ROOT / "tools/smoke.py"))
    )
    return done, python


def run_suites(known: interpreters.Interpreter, python: str) -> bool:
    """The Python suites on this interpreter."""
    if not run(python, "-m", "pip", "-q", "install", "-r", str(ROOT / "requirements/test.txt")):
        return False
    command = [sys.executable, "tools/run_tests.py", "python", "--python", python, "--label", f"python-{known.tag}"]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=LIMIT_S).returncode == 0


def wants_suites(known: interpreters.Interpreter) -> bool:
    """The free-threaded interpreter, and 3.11 unless `make test` used it."""
    used = interpreters.ask(ROOT / ".venv/bin/python")
    return known.free_threaded or (known.tag == "3.11" and (used is None or used.tag != "3.11"))


def main() -> int:
    """All interpreters, one after another; those named on the command line only, when there are any."""
    PLACE.mkdir(parents=True, exist_ok=True)
    # ccache finds again what another interpreter's build made only when paths below the root count as relative.
    os.environ.setdefault("CCACHE_BASEDIR", str(ROOT))
    failed = []
    complete = interpreters.ensure_free_threaded()
    for known in interpreters.find():
        if len(sys.argv) > 1 and known.tag not in sys.argv[1:]:
            continue
        start = time.monotonic()
        installed, python = install(known)
        verdict = "ok" if installed else "FAILED"
        print(f"{known.tag:<6} pip install and smoke test: {verdict} ({time.monotonic() - start:.0f} s)", flush=True)
        if not installed or (wants_suites(known) and not run_suites(known, python)):
            failed.append(known.tag)
    outcome = "NOT TESTED, no source" if not complete else "tested"
    print(f"interpreters: {len(failed)} failed {' '.join(failed)}; free-threaded: {outcome}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
