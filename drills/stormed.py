"""A node that many callers come to at once: how many connect to it, and when they are served."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aerospike_py
from aerospike_py import exception
from drill import Drill, Report, Scale, bar, counted, ms
from history import percentile

if TYPE_CHECKING:
    from types import TracebackType

CALLERS = 200
KEY = ("test", "stormed", 1)
PATIENT = {"total_timeout": 30_000}
UNBOUNDED = 10_000
BOUNDS = {"32, the default": 32, "off (10000)": UNBOUNDED}
CONNECTS_SHARE_MAX = 0.75
RSA_BITS = 4096  # a handshake costs the node some milliseconds
READY_SECONDS = 60


class Node:
    """A server process that speaks TLS and has one thread for everybody."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="drill-")
        place = Path(self._folder.name)
        self._certificate, key = place / "node.pem", place / "node.key"
        identity = ["-subj", "/CN=node", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
        files = ["-keyout", str(key), "-out", str(self._certificate)]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", f"rsa:{RSA_BITS}", *identity, *files],
            check=True,
            capture_output=True,
            timeout=READY_SECONDS,
        )
        offered = ["--tls-cert", str(self._certificate), "--tls-key", str(key), "--service-threads", "1"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aerospike_py.server", *offered], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        host, _, port = self._process.stdout.readline().split()[-1].rpartition(":")
        self._at = (host, int(port))

    def client(self, connecting_max: int) -> aerospike_py.Client:
        """A connected client that lets so many connects be under way."""
        config: dict[str, Any] = {
            "hosts": [self._at],
            "tls": {"enable": True, "cafile": str(self._certificate)},
            "max_connecting_per_node": connecting_max,
            "max_conns_per_node": 2 * CALLERS,
        }
        return aerospike_py.client(config).connect()

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(READY_SECONDS)
        self._folder.cleanup()


class Storm:
    """Callers that read once each, all at the same moment."""

    def __init__(self, node: Node, connecting_max: int) -> None:
        self.took: list[float] = []
        self.failed: list[str] = []
        before = counted("connection_opened")
        with node.client(connecting_max) as client:
            gate = threading.Barrier(CALLERS)
            threads = [threading.Thread(target=self._read, args=(client, gate)) for _ in range(CALLERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.connects = counted("connection_opened") - before

    def _read(self, client: aerospike_py.Client, gate: threading.Barrier) -> None:
        gate.wait()
        start = time.monotonic()
        try:
            client.get(KEY, PATIENT)
        except exception.AerospikeError as error:
            self.failed.append(f"{type(error).__name__}: {error}")
        self.took.append(time.monotonic() - start)

    def at(self, share: float) -> float:
        """The time that so many callers were served within."""
        return percentile(self.took, share)


def run_stormed(scale: Scale) -> Report:
    """The same storm with the bound and without; the long form has more of them and shows the calmest of each."""
    report = Report()
    rounds = scale.pick(1, 3, 10)
    with Node() as node:
        with node.client(UNBOUNDED) as client:
            client.put(KEY, {"n": 1}, policy=PATIENT)
        storms = {
            name: min((Storm(node, bound) for _ in range(rounds)), key=lambda storm: storm.at(1))
            for name, bound in BOUNDS.items()
        }
    for name, storm in storms.items():
        report.need(not storm.failed, f"{name}: {len(storm.failed)} reads failed: {storm.failed[:1]}")
    bounded, unbounded = (storms[name] for name in BOUNDS)
    allowed = unbounded.connects * CONNECTS_SHARE_MAX
    report.need(bounded.connects <= allowed, f"{bounded.connects} of {unbounded.connects} connects with the bound")
    report.figures = {
        "connects with the bound": str(bounded.connects),
        "without": str(unbounded.connects),
        "all served after": ms(bounded.at(1)),
        "without ": ms(unbounded.at(1)),
    }
    report.tables["connects at once"] = _table(storms)
    return report


def _table(storms: dict[str, Storm]) -> str:
    longest = max(storm.connects for storm in storms.values())
    text = (
        f"{CALLERS} threads of one client read at the same moment from a node that nobody is connected to, by TLS with "
        f"a key of\n{RSA_BITS} bits:\n\n"
        "| `max_connecting_per_node` | half are served after | all are | connects |\n|---|---|---|---|\n"
    )
    for name, storm in storms.items():
        marks = bar(storm.connects, longest)
        text += f"| {name} | {ms(storm.at(0.5))} | {ms(storm.at(1))} | {marks} {storm.connects} |\n"
    return text


DRILLS = [
    Drill(
        "storm of connects",
        "200 threads come to a node at once, each connect costs it milliseconds: all are served, by three quarters of "
        "the connects that are made without the bound at most",
        run_stormed,
    )
]
