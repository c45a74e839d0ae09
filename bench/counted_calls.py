"""Calls of our client whose instructions are counted: run by `instructions.py` under callgrind, never for its time.

usage: counted_calls.py HOST PORT. Two calls of the C library that nothing else makes mark where counting begins
(`getpgrp`) and ends (`getsid`); each pair becomes one dump of callgrind, which also counts this thread apart from the
tending thread. What was counted, in the order of the dumps, is printed as JSON. Every piece of work is counted
`CHUNKS` times, so that a chunk in which a signal or a timer came in between can be told from the others.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import aerospike_py
import workload
from cases import Case

CHUNKS = 15
DTYPE = np.dtype(workload.NUMPY_FIELDS)
Work = Callable[[], Any]
AsyncWork = Callable[[], Awaitable[Any]]

dumps: list[dict[str, Any]] = []


def note(name: str, calls: int, items: int) -> None:
    """What the next dump is about; `items` per call."""
    dumps.append({"name": name, "calls": calls, "items": items})


def count(name: str, calls: int, work: Work, items: int = 1) -> None:
    """Counts `calls` calls of `work`, after as many that warm caches up."""
    repeats = [None] * calls
    for chunk in range(CHUNKS + 1):
        if chunk == 0:
            for _ in repeats:
                work()
            continue
        note(name, calls, items)
        os.getpgrp()
        for _ in repeats:
            work()
        os.getsid(0)


async def count_async(name: str, calls: int, work: AsyncWork, items: int = 1) -> None:
    """The same for work that is awaited."""
    repeats = [None] * calls
    for chunk in range(CHUNKS + 1):
        if chunk == 0:
            for _ in repeats:
                await work()
            continue
        note(name, calls, items)
        os.getpgrp()
        for _ in repeats:
            await work()
        os.getsid(0)


@contextmanager
def switched(stages: bool, metrics: bool) -> Iterator[None]:
    """Stage profiling and metrics as wanted, and back to the defaults."""
    aerospike_py.set_internal_stage_metrics_enabled(stages)
    aerospike_py.set_metrics_enabled(metrics)
    yield
    aerospike_py.set_internal_stage_metrics_enabled(False)
    aerospike_py.set_metrics_enabled(True)


def keys_of(count_of: int, sets: int) -> list[Any]:
    """Keys that exist: `count_of` of them, spread over `sets` sets."""
    case = Case("", "", "sync", "batch", 1, count_of, sets, "dict")
    return list(workload.arguments(case, 1, seed=1)[0])


def parse(client: Any, keys: list[Any]) -> Work:
    """Parses and hashes the keys and no more: the last one is refused."""
    refused = [*keys[:-1], None]

    def work() -> None:
        try:
            client.batch_read(refused)
        except TypeError:
            return
        raise AssertionError("a key that is None was taken")

    return work


def sync_rows(client: Any) -> None:
    """Calls of the synchronous client."""
    key, bins = keys_of(2, 1)[0], workload.bins_of(7)
    few, many = keys_of(200, 1), keys_of(1800, 9)
    written = ("test", workload.WRITE_SET, "user_000007")
    count("get", 40, lambda: client.get(key))
    with switched(stages=True, metrics=True):
        count("get, stages on", 40, lambda: client.get(key))
    with switched(stages=False, metrics=False):
        count("get, metrics off", 40, lambda: client.get(key))
    count("put", 40, lambda: client.put(written, bins))
    count("parse and hash 1,800 keys of 9 sets", 3, parse(client, many), 1800)
    count("batch of 200, untouched", 6, lambda: client.batch_read(few), 200)
    count("batch of 200 to dict", 6, lambda: client.batch_read(few).to_dict(), 200)
    with switched(stages=True, metrics=True):
        count("batch of 200 to dict, stages on", 6, lambda: client.batch_read(few).to_dict(), 200)
    count("batch of 200 to NumPy", 6, lambda: client.batch_read(few).to_numpy(DTYPE), 200)
    count("batch of 1,800 to dict", 2, lambda: client.batch_read(many).to_dict(), 1800)


async def async_rows(config: dict[str, Any]) -> None:
    """Calls of the asyncio client."""
    key, several = keys_of(2, 1)[0], keys_of(32, 1)
    client = aerospike_py.AsyncClient(config)
    await client.connect()

    async def gather() -> None:
        calls = [client.get(one) for one in several]
        await asyncio.sleep(0)  # the end of the tick sends them
        time.sleep(0.003)  # their reply is there as a whole, or its pieces would be read one by one or not, by luck
        await asyncio.gather(*calls)

    await count_async("asyncio get", 40, lambda: client.get(key))
    with switched(stages=True, metrics=True):
        await count_async("asyncio get, stages on", 40, lambda: client.get(key))
    await count_async("asyncio gather of 32 gets", 5, gather, 32)
    await client.close()


def main() -> None:
    """Loads the records that are read, counts everything, tells what the dumps are."""
    config = {"hosts": [(sys.argv[1], int(sys.argv[2]))]}
    client = aerospike_py.client(config).connect()
    for key in keys_of(1800, 9) + keys_of(200, 1) + keys_of(32, 1) + keys_of(2, 1):
        client.put(key, workload.bins_of(int(key[2].removeprefix("user_"))))
    gc.disable()
    sync_rows(client)
    client.close()
    asyncio.run(async_rows(config))
    print(json.dumps(dumps))


if __name__ == "__main__":
    main()
