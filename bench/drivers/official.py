"""The official client, package `aerospike`: synchronous, so asyncio programs call it through a thread pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import aerospike
from aerospike_helpers.batch.records import BatchRecords, Write
from aerospike_helpers.operations import operations

from cases import Case
from drivers import reads_and_writes

THREADS = 16


class Driver:
    """One client shared by all calls, as its documentation asks; a pool of threads for asyncio."""

    module = "aerospike"

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        self.client = aerospike.client({"hosts": hosts}).connect()
        self.pool = ThreadPoolExecutor(THREADS)
        self.policy = {"total_timeout": 5000}

    async def open(self) -> None:
        """The client is connected already."""

    async def close(self) -> None:
        """Ends the threads and the client."""
        self.pool.shutdown()
        self.client.close()

    def describe(self) -> dict[str, str]:
        """Name and version."""
        return {"client": "aerospike", "version": version("aerospike"), "build": "wheel"}

    def supports(self, case: Case) -> bool:
        """No NumPy results, no untouched results, nothing to switch."""
        return reads_and_writes(case)

    def batch(self, keys: list[Any]) -> dict[str, dict[str, Any]]:
        """A batch read as a dictionary by user key."""
        found = self.client.batch_read(keys, policy=self.policy)
        return {row.key[2]: row.record[2] for row in found.batch_records}

    def write(self, records: list[Any]) -> Any:
        """One batch of writes: an operation for every bin, as the batch interface wants them."""
        rows = [
            Write(key, [operations.write(name, content) for name, content in bins.items()]) for key, bins in records
        ]
        return self.client.batch_write(BatchRecords(rows), self.policy)

    def sync_call(self, op: str) -> Callable[[Any], Any]:
        """The function of one argument for an operation."""
        if op == "get":
            return self.client.get
        if op == "put":
            return lambda argument: self.client.put(argument[0], argument[1])
        return self.write if op == "write_batch" else self.batch

    def prepare(self, case: Case) -> Callable[[Any], Any]:
        """Direct calls, or calls handed to the pool."""
        if case.face == "sync":
            return self.sync_call(case.op)
        call = self.sync_call(case.op)

        async def gather(groups: list[Any]) -> list[Any]:
            running = asyncio.get_running_loop()
            return await asyncio.gather(*[running.run_in_executor(self.pool, self.batch, group) for group in groups])

        async def single(argument: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(self.pool, call, argument)

        return gather if case.op == "gather" else single

    def canonical(self, case: Case, argument: Any, result: Any) -> dict[str, dict[str, Any]]:
        """The answer by user key."""
        if case.op == "get":
            return {argument[2]: result[2]}
        if case.op == "gather":
            return {key: bins for part in result for key, bins in part.items()}
        return dict(result)
