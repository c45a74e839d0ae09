"""The community client, package `aerospike_py`: a synchronous and an asyncio client of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

import aerospike_py
from cases import Case
from workload import NAMESPACE, NUMPY_FIELDS, NUMPY_WRITE_FIELDS, NUMPY_WRITE_SET

DTYPE = np.dtype(NUMPY_FIELDS)
WRITE_DTYPE = np.dtype(NUMPY_WRITE_FIELDS)


class Driver:
    """One client per face, shared by all calls; batch results converted by the methods made for it."""

    distribution = "aerospike-py"
    module = "aerospike_py"

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        self.config: dict[str, Any] = {"hosts": hosts}
        self.client = aerospike_py.client(self.config).connect()
        self.asyncio_client = aerospike_py.AsyncClient(self.config)
        self.policy = {"total_timeout": 5000}

    async def open(self) -> None:
        """Connects the asyncio client on the loop it will be used on."""
        await self.asyncio_client.connect()

    async def close(self) -> None:
        """Closes both clients."""
        await self.asyncio_client.close()
        self.client.close()

    @classmethod
    async def lone_client(cls, hosts: list[tuple[str, int]]) -> Any:
        """An asyncio client and nothing else, in a process of its own."""
        client = aerospike_py.AsyncClient({"hosts": hosts})
        await client.connect()
        return client

    def describe(self) -> dict[str, str]:
        """Name and version."""
        return {"client": self.distribution, "version": version(self.distribution), "build": "wheel"}

    def supports(self, case: Case) -> bool:
        """Every result form; nothing to switch."""
        return not case.option and not case.toggle and case.op != "io_truth"

    def convert(self, case: Case) -> Callable[[Any], Any]:
        """From the lazy result of a batch to the form the case asks for."""
        if case.result == "dict":
            return lambda found: found.to_dict()
        if case.result == "numpy":
            return lambda found: found.to_numpy(DTYPE)
        return lambda found: found

    def prepare(self, case: Case) -> Callable[[Any], Any]:
        """Calls of the synchronous client, or coroutines of the asyncio client."""
        return self.prepare_sync(case) if case.face == "sync" else self.prepare_async(case)

    def prepare_sync(self, case: Case) -> Callable[[Any], Any]:
        """Calls of the synchronous client."""
        client, policy, convert = self.client, self.policy, self.convert(case)
        if case.op == "get":
            return client.get
        if case.op == "put":
            return lambda argument: client.put(argument[0], argument[1])
        if case.op == "write_batch":
            return lambda records: client.batch_write(records, policy)
        if case.op == "write_numpy":
            return lambda rows: client.batch_write_numpy(rows, NAMESPACE, NUMPY_WRITE_SET, WRITE_DTYPE, policy=policy)
        return lambda keys: convert(client.batch_read(keys, policy=policy))

    def prepare_async(self, case: Case) -> Callable[[Any], Any]:
        """Awaitables of the asyncio client."""
        client, policy, convert = self.asyncio_client, self.policy, self.convert(case)

        async def batch(keys: list[Any]) -> Any:
            return convert(await client.batch_read(keys, policy=policy))

        async def gather(groups: list[Any]) -> Any:
            handles = await asyncio.gather(*[client.batch_read(group, policy=policy) for group in groups])
            return aerospike_py.LazyBatchRecords.merge_to_dict(handles)

        if case.op == "get":
            return client.get
        if case.op == "put":
            return lambda argument: client.put(argument[0], argument[1])
        return gather if case.op == "gather" else batch

    def canonical(self, case: Case, argument: Any, result: Any) -> dict[str, dict[str, Any]]:
        """The answer by user key."""
        if case.op == "get":
            return {argument[2]: result.bins}
        if case.op == "gather":
            return {key: bins for part in result for key, bins in part.items()}
        if case.result == "numpy":
            rows = result.batch_records
            names = rows.dtype.names
            plain = [[v.decode() if isinstance(v, bytes) else v for v in row] for row in rows.tolist()]
            return {key[2]: dict(zip(names, row, strict=True)) for key, row in zip(argument, plain, strict=True)}
        return dict(result.to_dict() if case.result == "untouched" else result)
