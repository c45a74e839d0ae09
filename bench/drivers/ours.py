"""This project's client; called like the community client, whose interface it shares, plus what only it can switch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import aerospike_py
from aerospike_py import _aerospike
from cases import Case
from drivers import aerospike_py_community


class Driver(aerospike_py_community.Driver):
    """The same calls; stages and metrics can be switched, gets of one tick kept apart, large batches kept whole."""

    distribution = "aerospike-py-cpp"

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        super().__init__(hosts)
        self.whole = aerospike_py.client(self.config | {"split_large_batches": False}).connect()
        self.unmerged = aerospike_py.AsyncClient(self.config | {"merge_concurrent_reads": False})

    async def open(self) -> None:
        """Connects both asyncio clients."""
        await super().open()
        await self.unmerged.connect()

    async def close(self) -> None:
        """Closes all clients."""
        await self.unmerged.close()
        self.whole.close()
        await super().close()

    def describe(self) -> dict[str, str]:
        """Name, version and the build type, which must be Release for figures to count."""
        return super().describe() | {"build": _aerospike.build_type()}

    @classmethod
    async def lone_client(cls, hosts: list[tuple[str, int]]) -> Any:
        """Gets are kept apart, so that each of many at a time has a connection."""
        client = aerospike_py.AsyncClient({"hosts": hosts, "merge_concurrent_reads": False})
        await client.connect()
        return client

    def supports(self, case: Case) -> bool:
        """Everything but what is not Python; several threads at once are for an interpreter without a GIL."""
        if case.option == "parts":
            return not getattr(sys, "_is_gil_enabled", lambda: True)()
        return case.option in ("", "no_merge", "no_split")

    def prepare_sync(self, case: Case) -> Callable[[Any], Any]:
        """Calls of the synchronous client; `no_split` uses the one that keeps large batches in one message."""
        if case.option == "no_split":
            return lambda keys: self.whole.batch_read(keys, policy=self.policy)
        return super().prepare_sync(case)

    def prepare_async(self, case: Case) -> Callable[[Any], Any]:
        """Awaitables of the asyncio client; `no_merge` uses the client that keeps gets apart."""
        if case.option == "no_merge":
            return self.unmerged.get
        if case.op == "io_truth":
            return lambda keys: self.asyncio_client.batch_read(keys, policy=self.policy)
        return super().prepare_async(case)

    def switch(self, what: str, on: bool) -> None:
        """Turns stage profiling or the operation metrics on or off."""
        if what == "stages":
            aerospike_py.set_internal_stage_metrics_enabled(on)
        else:
            aerospike_py.set_metrics_enabled(on)
