"""Package `aerospike_native`: asyncio and blocking calls, keys and records are objects of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import aerospike_native
from aerospike_native import Key

from cases import Case
from drivers import reads_and_writes


class Driver:
    """A blocking client for the synchronous face and one for asyncio; keys are made inside the call, as callers do."""

    module = "aerospike_native"

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        self.address = ",".join(f"{name}:{port}" for name, port in hosts)
        self.blocking = aerospike_native.new_client_blocking(aerospike_native.ClientPolicy(), self.address)
        self.policy = aerospike_native.BatchPolicy()
        self.policy.total_timeout = 5000

    async def open(self) -> None:
        """Connects the asyncio client."""
        self.client = await aerospike_native.new_client(aerospike_native.ClientPolicy(), self.address)

    async def close(self) -> None:
        """Closes both clients."""
        await self.client.close()
        self.blocking.close_blocking()

    def describe(self) -> dict[str, str]:
        """Name and version."""
        return {"client": "aerospike-native", "version": version("aerospike-native"), "build": "wheel"}

    def supports(self, case: Case) -> bool:
        """No NumPy results, no untouched results, nothing to switch."""
        return reads_and_writes(case)

    def prepare(self, case: Case) -> Callable[[Any], Any]:
        """Blocking calls, or coroutines of the asyncio client."""
        return self.prepare_sync(case) if case.face == "sync" else self.prepare_async(case)

    def prepare_sync(self, case: Case) -> Callable[[Any], Any]:
        """The blocking face."""
        client, policy = self.blocking, self.policy

        def batch(keys: list[Any]) -> dict[str, dict[str, Any]]:
            found = client.batch_read_blocking([Key(*key) for key in keys], batch_policy=policy)
            return {key[2]: row.record.bins for key, row in zip(keys, found, strict=True)}

        def write(records: list[Any]) -> Any:
            keys, bins = [Key(*key) for key, _ in records], [bins for _, bins in records]
            return client.batch_write_blocking(keys, bins, batch_policy=policy)

        if case.op == "write_batch":
            return write
        if case.op == "get":
            return lambda key: client.get_blocking(Key(*key)).bins
        if case.op == "put":
            return lambda argument: client.put_blocking(Key(*argument[0]), argument[1])
        return batch

    def prepare_async(self, case: Case) -> Callable[[Any], Any]:
        """The asyncio face."""
        client, policy = self.client, self.policy

        async def get(key: Any) -> Any:
            return (await client.get(Key(*key))).bins

        async def batch(keys: list[Any]) -> dict[str, dict[str, Any]]:
            found = await client.batch_read([Key(*key) for key in keys], batch_policy=policy)
            return {key[2]: row.record.bins for key, row in zip(keys, found, strict=True)}

        async def gather(groups: list[Any]) -> list[Any]:
            return await asyncio.gather(*[batch(group) for group in groups])

        if case.op == "put":
            return lambda argument: client.put(Key(*argument[0]), argument[1])
        return {"get": get, "batch": batch, "gather": gather}[case.op]

    def canonical(self, case: Case, argument: Any, result: Any) -> dict[str, dict[str, Any]]:
        """The answer by user key."""
        if case.op == "get":
            return {argument[2]: dict(result)}
        if case.op == "gather":
            return {key: dict(bins) for part in result for key, bins in part.items()}
        return {key: dict(bins) for key, bins in result.items()}
