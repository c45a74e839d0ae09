"""A door before a node that lets so few requests at once through to it, each for so long; the others stand in line.

It is a process of its own: `python turnstile.py HOST PORT UPSTREAM WORKERS MS` listens on HOST:PORT, serves
UPSTREAM:PORT and says `ready`. What is no request for one record passes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

from ring import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 8
RECORD = 3
DOOR = "127.0.0.2"  # the address it listens on
WORKERS, WORK_MS = 4, 4


@contextlib.contextmanager
def turnstile(port: int, workers: int = WORKERS, work_ms: float = WORK_MS) -> Iterator[None]:
    """One before the node at this port, at `DOOR` and the same port."""
    words = [sys.executable, __file__, DOOR, str(port), HOST, str(workers), str(work_ms)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError("the turnstile does not open")
            yield
        finally:
            process.kill()


async def read_message(source: asyncio.StreamReader) -> bytes:
    """One message, framing included."""
    head = await source.readexactly(HEADER)
    return head + await source.readexactly(int.from_bytes(head[2:], "big"))


async def serve(host: str, port: int, upstream: str, workers: int, seconds: float) -> None:
    """Until the process is ended."""
    places = asyncio.Semaphore(workers)

    async def forward(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        node, requests = await asyncio.open_connection(upstream, port)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await read_message(client)
                if message[1] == RECORD:
                    async with places:
                        await asyncio.sleep(seconds)
                requests.write(message)
                answers.write(await read_message(node))
        requests.close()
        answers.close()

    async with await asyncio.start_server(forward, host, port, backlog=512) as server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), float(sys.argv[5]) / 1e3))
