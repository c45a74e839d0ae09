"""The processes under measurement: an environment and a child process per client, and the server they all talk to.

Environments are made once in `.cache/bench/` from the pinned lists in `requirements/rivals/`; our own client is the one
installed in `.venv`. Every wait has a limit; a child that does not answer is an error that names it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".cache/bench"
WIRE_FLOOR = ROOT / "build/release/bench/wire_floor"
ANSWER_LIMIT_S = 120.0

OURS = "ours"
FLOOR = "floor"
RIVALS = ["official", "aerospike_py_community", "native"]
TITLES = {
    FLOOR: "floor (C++)",
    OURS: "ours",
    "official": "aerospike",
    "aerospike_py_community": "aerospike-py",
    "native": "aerospike-native",
}


def run_quietly(command: list[str]) -> None:
    """Runs a command; its output is shown only when it fails."""
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{outcome.stdout}{outcome.stderr}")


def interpreter_of(name: str) -> str:
    """The interpreter of a client's environment, which is made when it is not there or its pins changed."""
    if name in (OURS, FLOOR):
        return sys.executable
    wanted = ROOT / f"requirements/rivals/{name}.txt"
    pins = wanted.read_text() + (ROOT / "requirements/demo.txt").read_text() + sys.version
    place = ENVIRONMENTS / name
    stamp = place / "installed.txt"
    python = place / "bin/python"
    if not (stamp.exists() and stamp.read_text() == pins):
        print(f"environment of {TITLES[name]} ...", flush=True)
        run_quietly([sys.executable, "-m", "venv", "--clear", str(place)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        run_quietly([*pip, "-r", "requirements/demo.txt", "-r", str(wanted)])
        stamp.write_text(pins)
    return str(python)


class Child:
    """A client's process; `ask` sends it one command and waits for the answer."""

    def __init__(self, name: str, host: str, port: int, log: Path) -> None:
        self.name = name
        self.errors = log.open("w")
        command = [interpreter_of(name), "child.py", name, host, str(port)]
        environment = os.environ | {"WIRE_FLOOR": str(WIRE_FLOOR), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT / "bench",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.log = log
        self.read()

    def read(self) -> Any:
        """One line of the child, within the limit."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], ANSWER_LIMIT_S)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            raise RuntimeError(f"{TITLES[self.name]} does not answer; it said:\n{self.log.read_text()[-2000:]}")
        return json.loads(line)

    def ask(self, do: str, **details: Any) -> Any:
        """Sends a command and gives the answer; what failed in the child fails here."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do} | details) + "\n")
        self.process.stdin.flush()
        reply = self.read()
        if "error" in reply:
            raise RuntimeError(f"{TITLES[self.name]}: {do} {details}: {reply['error']}")
        return reply["ok"]

    def close(self) -> None:
        """Lets the child end; ends it when it does not."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


class Server:
    """The embedded server in a process of its own, or the real one that `AEROSPIKE_HOST` names."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        if "AEROSPIKE_HOST" in os.environ:
            self.host, self.port = os.environ["AEROSPIKE_HOST"], int(os.environ.get("AEROSPIKE_PORT", "3000"))
            self.kind = "real server"
            return
        self.kind = "embedded server, 1 node"
        command = [sys.executable, "-m", "aerospike_py.server", "--port", "0", "--nodes", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else ""
        if not line.startswith("ready "):
            self.close()
            raise RuntimeError(f"the embedded server did not get ready; it said: {line!r}")
        self.host, port = line.split()[1].split(",")[0].rsplit(":", 1)
        self.port = int(port)

    def close(self) -> None:
        """Stops the embedded server."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def pin(server: Server, children: list[Child]) -> str:
    """Gives server and clients cores of their own where there are more than two; says what was done."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= 2 or server.process is None:
        return "nothing pinned"
    half = len(cores) // 2
    os.sched_setaffinity(server.process.pid, set(cores[:half]))
    for child in children:
        os.sched_setaffinity(child.process.pid, set(cores[half:]))
    return f"server on cores {cores[:half]}, clients on cores {cores[half:]}"


def wait_until_quiet(limit_s: float = 20.0) -> float:
    """Waits a little for the machine to calm down; gives the load it found."""
    until = time.monotonic() + limit_s
    while os.getloadavg()[0] > 0.8 * (os.cpu_count() or 1) and time.monotonic() < until:
        time.sleep(1)
    return os.getloadavg()[0]
