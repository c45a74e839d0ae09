"""A cluster of server processes that a drill may kill, stop, restart and ask.

Every process writes its log of carried out writes to a file of its own life, so that what clients were told can be
held against what happened. Ports are taken from below the range that the system gives to connections: the port of a
node that is down must not become the end of somebody's connection.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
READY_SECONDS = 60


def free_ports(count: int, host: str = HOST) -> list[int]:
    """Ports that nobody listens on at the moment and no connection is given by the system."""
    found: list[int] = []
    draw = random.Random()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while len(found) < count:
        port = draw.randrange(20000, 32000)
        with socket.socket(family) as trial, contextlib.suppress(OSError):
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            if port not in found:
                found.append(port)
    return found


def info(host: str, port: int, command: str, timeout: float = 1.0) -> str | None:
    """What a node answers to one info command; nothing when it does not."""
    body = command.encode() + b"\n"
    try:
        with socket.create_connection((host, port), timeout) as link:
            link.sendall(bytes([2, 1]) + len(body).to_bytes(6, "big") + body)
            head = _receive(link, 8)
            text = _receive(link, int.from_bytes(head[2:], "big")).decode()
    except OSError:
        return None
    return text.rstrip("\n").partition("\t")[2]


def _receive(link: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = link.recv(size - len(got))
        if not part:
            raise ConnectionError
        got += part
    return got


class Ring:
    """Processes that may belong to one cluster; `start()` starts the first `nodes` of them.

    `told` are the addresses that clients are told instead of `host`: `access`, and `alternate` for those that ask.
    """

    def __init__(
        self,
        nodes: int = 3,
        members: int = 0,
        host: str = HOST,
        dead_ms: int = 1000,
        told: dict[str, str] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drill-"))
        self.nodes = nodes
        self.host = host
        count = max(nodes, members)
        ports = free_ports(2 * count, host)
        self.ports = ports[:count]
        pairs = zip(ports[:count], ports[count:], strict=True)
        members_file = [{"host": host, "port": p, "ring_port": r, **(told or {})} for p, r in pairs]
        (self.folder / "members.json").write_text(json.dumps(members_file), encoding="utf-8")
        self._dead_ms = dead_ms
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._lives = 0

    @property
    def hosts(self) -> list[tuple[str, int]]:
        """What a client takes as its seeds."""
        return [(self.host, port) for port in self.ports[: self.nodes]]

    @property
    def running(self) -> list[int]:
        """The processes that live, stopped ones included."""
        return sorted(self._running)

    def start(self) -> Ring:
        """Start the first nodes together and wait until they serve."""
        self.start_nodes(*range(self.nodes))
        return self

    def start_nodes(self, *which: int) -> None:
        """Start processes and wait until each belongs to the cluster."""
        for node in which:
            self._running[node] = self._spawn(node)
        until = time.monotonic() + READY_SECONDS
        for node in which:
            output = self._running[node].stdout
            assert output is not None
            if not _line_within(output, until - time.monotonic()).startswith(b"ready"):
                raise RuntimeError(f"node {node} does not start: {self._complaints(node)}")

    def _spawn(self, node: int) -> subprocess.Popen[bytes]:
        self._lives += 1
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "aerospike_py.server"),
                *("--members", str(self.folder / "members.json"), "--member", str(node)),
                *("--write-log", str(self.folder / f"writes-{node}-{self._lives}.log")),
                *("--dead-ms", str(self._dead_ms)),
            ],
            stdout=subprocess.PIPE,
            stderr=(self.folder / f"node-{node}.err").open("ab"),
        )

    def _complaints(self, node: int) -> str:
        return (self.folder / f"node-{node}.err").read_text(encoding="utf-8", errors="replace")[-500:]

    def kill(self, node: int) -> None:
        """SIGKILL: no farewell, the kernel closes its connections."""
        self._running.pop(node).kill()

    def end(self, node: int) -> None:
        """SIGTERM, and wait until the process has left."""
        process = self._running.pop(node)
        process.terminate()
        process.wait(READY_SECONDS)

    def pause(self, node: int) -> None:
        """SIGSTOP: its connections stay and nothing answers."""
        self._running[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """SIGCONT."""
        self._running[node].send_signal(signal.SIGCONT)

    def is_settled(self, size: int) -> bool:
        """All running nodes agree that they are `size` and that nothing migrates."""
        answers = [info(self.host, self.ports[n], f"cluster-stable:size={size}") for n in self.running]
        return None not in answers and len(set(answers)) == 1 and not str(answers[0]).startswith("ERROR")

    def wait_until_settled(self, size: int | None = None, seconds: float = 60) -> float:
        """Seconds until that was so. Fails when it does not become so."""
        start = time.monotonic()
        while not self.is_settled(len(self.running) if size is None else size):
            if time.monotonic() - start > seconds:
                raise RuntimeError(f"the cluster does not settle in {seconds} s")
            time.sleep(0.05)
        return time.monotonic() - start

    def written_logs(self) -> list[Path]:
        """The log of every life of every node."""
        return sorted(self.folder.glob("writes-*.log"))

    def close(self) -> None:
        """End everything that was started."""
        for process in self._running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
        for process in self._running.values():
            process.wait(READY_SECONDS)
        self._running.clear()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Ring:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()


def _line_within(output: IO[bytes], seconds: float) -> bytes:
    ready, _, _ = select.select([output], [], [], max(0.0, seconds))
    return output.readline() if ready else b""
