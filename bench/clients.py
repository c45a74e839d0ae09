"""The processes under measurement: an environment and a child process per client, and the server they all talk to.

Environments are made once in `.cache/bench/` from the pinned lists in `requirements/rivals/`; our own client is the one
installed in `.venv`, and a second time the one built for a free-threaded interpreter. Every wait has a limit; a child
that does not answer is an error that names it.
"""

from __future__ import annotations

import contextlib
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
PROGRAMS = ROOT / "build/release/bench"
ANSWER_LIMIT_S = 120.0

OURS = "ours"
FREE_THREADED = "ours_free_threaded"
BEFORE = "ours_before"
FLOOR = "floor"
CORE = "core"
RIVALS = ["official", "aerospike_py_community", "native"]
TITLES = {
    FLOOR: "floor (C++)",
    CORE: "ours, C++ core",
    OURS: "ours",
    FREE_THREADED: "ours, free-threaded",
    BEFORE: "ours, before",
    "official": "aerospike",
    "aerospike_py_community": "aerospike-py",
    "native": "aerospike-native",
}


def run_quietly(command: list[str]) -> None:
    """Runs a command; its output is shown only when it fails."""
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{outcome.stdout}{outcome.stderr}")


def installed_from(source: Path, place: Path, base: str, build_dir: str) -> str:
    """The interpreter of an environment that has our package as that folder has it, installed as users install it.

    It is installed anew each time, because the sources may have changed; what has not is not compiled again.
    """
    sys.path.insert(0, str(ROOT / "tools"))
    import setup

    python = place / "bin/python"
    if not python.exists():
        run_quietly([base, "-m", "venv", "--clear", str(place)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    run_quietly([*pip, setup.backend(), "-r", "requirements/demo.txt"])
    options = ["--no-deps", "--no-build-isolation", "--force-reinstall", "-C", f"build-dir={build_dir}"]
    run_quietly([*pip, *options, str(source)])
    return str(python)


def free_threaded_interpreter() -> str | None:
    """An environment with our client on a free-threaded CPython; nothing when there is no such interpreter."""
    sys.path.insert(0, str(ROOT / "tools"))
    import interpreters

    if not interpreters.ensure_free_threaded():
        return None
    known = next(one for one in interpreters.find() if one.free_threaded)
    print(f"our client on CPython {known.tag} ...", flush=True)
    return installed_from(ROOT, ENVIRONMENTS / FREE_THREADED, known.path, "build/py-free-threaded")


def interpreter_of(name: str) -> str | None:
    """The interpreter of a client's environment, which is made when it is not there or its pins changed."""
    if name in (OURS, FLOOR, CORE):
        return sys.executable
    if name == FREE_THREADED:
        return free_threaded_interpreter()
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

    def __init__(self, name: str, python: str, server: Server, log: Path) -> None:
        self.name = name
        self.errors = log.open("w")
        driver = OURS if name in (FREE_THREADED, BEFORE) else name
        command = [python, "child.py", driver, server.host, str(server.port)]
        environment = os.environ | {"BENCH_PROGRAMS": str(PROGRAMS), "PYTHONUNBUFFERED": "1"}
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

    def __init__(self, nodes: int = 1) -> None:
        self.process: subprocess.Popen[str] | None = None
        if "AEROSPIKE_HOST" in os.environ:
            self.host, self.port = os.environ["AEROSPIKE_HOST"], int(os.environ.get("AEROSPIKE_PORT", "3000"))
            self.kind = "real server"
            return
        self.kind = f"embedded server, {nodes} node{'s' if nodes > 1 else ''}"
        command = [sys.executable, "-m", "aerospike_py.server", "--port", "0", "--nodes", str(nodes)]
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


def family(pid: int) -> list[int]:
    """A process and the processes it started."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *[one for child in started for one in family(int(child))]]


def move(pid: int, cores: set[int]) -> None:
    """Keeps every thread of a process and of its children on these cores; later threads inherit it."""
    for member in family(pid):
        for task in Path(f"/proc/{member}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # a thread may end while we look
                os.sched_setaffinity(int(task.name), cores)


class Cores:
    """Who runs where.

    With one call at a time, client and server wait for each other in turn. Left alone the scheduler often puts both on
    one core, where a wake-up costs a third of what it costs across cores, and changes its mind between rounds; so in
    these cases they are kept apart, as on two machines. Whatever is concurrent may use every core where there are two,
    or clients with threads of their own would be held back; with more the halves stay apart always.
    """

    def __init__(self, cores: list[int] | None = None) -> None:
        self.all = cores or sorted(os.sched_getaffinity(0))
        half = len(self.all) // 2
        self.server, self.clients = set(self.all[:half]), set(self.all[half:])
        self.can_part = half > 0 and "AEROSPIKE_HOST" not in os.environ

    def describe(self) -> str:
        """What the report says of it."""
        if not self.can_part:
            return "nothing pinned"
        when = "" if len(self.all) > 2 else " with one call at a time, else nothing pinned"
        return f"server on cores {sorted(self.server)}, clients on {sorted(self.clients)}{when}"

    def part_from(self, server: Server) -> None:
        """Keeps this process and the server apart."""
        if self.can_part:
            assert server.process is not None
            move(server.process.pid, self.server)
            os.sched_setaffinity(0, self.clients)

    def arrange(self, server: Server, children: list[Child], apart: bool) -> None:
        """Moves everybody to where a case wants them."""
        if not self.can_part:
            return
        assert server.process is not None
        apart = apart or len(self.all) > 2
        move(server.process.pid, self.server if apart else set(self.all))
        for child in children:
            move(child.process.pid, self.clients if apart else set(self.all))


def wait_until_quiet(limit_s: float = 20.0) -> float:
    """Waits a little for the machine to calm down; gives the load it found."""
    until = time.monotonic() + limit_s
    while os.getloadavg()[0] > 0.8 * (os.cpu_count() or 1) and time.monotonic() < until:
        time.sleep(1)
    return os.getloadavg()[0]
