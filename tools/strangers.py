"""Clients of other makes against the embedded server: each in an environment of its own, each with a script of its own.

`python tools/strangers.py make` makes the environments in `.cache/strangers/` from the pinned lists in
`requirements/rivals/`; `python tools/strangers.py run HOST:PORT[,HOST:PORT...]` lets every client work against that
cluster. The scripts are those in `tests/strangers/`; `tests/integration/test_strangers.py` runs them on clusters of one
and of three nodes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".cache/strangers"
NAMES = ["official", "aerospike_py_community", "native"]
INSTALL_LIMIT_S = 240
RUN_LIMIT_S = 60


def _run(command: list[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    # Nothing of the environment that runs this may be visible in the stranger's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        command, cwd=ENVIRONMENTS, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
    )


def interpreter_of(name: str) -> Path:
    """The interpreter of a client's environment, which is made when it is not there or its pins changed."""
    wanted = ROOT / f"requirements/rivals/{name}.txt"
    place = ENVIRONMENTS / name
    stamp = place / "installed.txt"
    pins = wanted.read_text() + sys.version
    if not (stamp.exists() and stamp.read_text() == pins):
        ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
        pip = [str(place / "bin/python"), "-m", "pip", "--disable-pip-version-check"]
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [*pip, "install", "-q", "-r", str(wanted)],
        ):
            outcome = _run(command, INSTALL_LIMIT_S)
            if outcome.returncode != 0:
                raise RuntimeError(f"`{' '.join(command)}` failed:\n{outcome.stdout}{outcome.stderr}")
        stamp.write_text(pins)
    return place / "bin/python"


def run_stranger(name: str, hosts: list[tuple[str, int]], script: str = "", *arguments: str) -> str:
    """Lets a client work against a cluster; empty when all went well, otherwise what it said.

    The script is that of the client's name, or another one of its, which is given the arguments too.
    """
    seeds = ",".join(f"{host}:{port}" for host, port in hosts)
    path = ROOT / f"tests/strangers/{script or name}.py"
    command = [str(interpreter_of(name)), str(path), seeds, str(len(hosts)), *arguments]
    try:
        outcome = _run(command, RUN_LIMIT_S)
    except subprocess.TimeoutExpired as late:
        return f"no end after {RUN_LIMIT_S} s; it said: {late.stdout!r} {late.stderr!r}"
    if outcome.returncode == 0 and outcome.stdout.endswith("ok\n"):
        return ""
    return f"exit status {outcome.returncode}\n{outcome.stdout}{outcome.stderr}"


def main() -> int:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["make", "run"])
    parser.add_argument("hosts", nargs="?", default="", help="HOST:PORT[,HOST:PORT...], for `run`")
    chosen = parser.parse_args()
    if chosen.what == "make":
        for name in NAMES:
            print(interpreter_of(name))
        return 0
    hosts = [(host, int(port)) for host, _, port in (seed.rpartition(":") for seed in chosen.hosts.split(","))]
    failed = 0
    for name in NAMES:
        problem = run_stranger(name, hosts)
        failed += bool(problem)
        print(f"{name}: {problem or 'ok'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
