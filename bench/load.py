"""What goes on beside the measured calls: a thread or a coroutine that burns CPU, as a model or a template would."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from measure import Sample

BURN_S = 0.020


def burn(seconds: float) -> None:
    """Keeps this thread busy with Python code."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(200))


@contextmanager
def busy_thread() -> Iterator[None]:
    """A Python thread that never waits, for as long as the block runs."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            burn(0.001)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def beside_burns(work: Awaitable[Sample]) -> Sample:
    """Awaits the work while a coroutine burns 20 ms, sleeps 20 ms, and so on."""

    async def run() -> None:
        while True:
            burn(BURN_S)
            await asyncio.sleep(BURN_S)

    burning = asyncio.ensure_future(run())
    try:
        return await work
    finally:
        burning.cancel()


async def io_truth(read: Callable[[Any], Any], arguments: list[Any]) -> Sample:
    """The `io` stage of calls awaited at once, and of calls whose reply comes while the loop burns 20 ms.

    The network is the same for both, so the stage tells the truth when the two are alike. `read` gives an awaitable
    that has `timings` once it is done; stage profiling is on.
    """
    idle: list[float] = []
    burning: list[float] = []
    for number, keys in enumerate(arguments):
        call = read(keys)
        await asyncio.sleep(0)  # the end of the tick sends it
        if number % 2:
            burn(BURN_S)
        await call
        (burning if number % 2 else idle).append(call.timings["io"] * 1e6)
    quiet, loud = statistics.median(idle), statistics.median(burning)
    return {"calls": len(arguments), "io_idle_us": quiet, "io_burning_us": loud, "io_error_us": abs(loud - quiet)}
