"""The asyncio client: the native one plus the `async with` statement.

Every method is native and returns an awaitable that is both a future and a coroutine; nothing is wrapped here.
"""

from __future__ import annotations

from . import _aerospike

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without the cost of importing `typing`
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self

    from .types import ClientConfig


class AsyncClient(_aerospike.AsyncClient):
    """A connection to a cluster, to be shared by the tasks of one or more event loops.

    Making one does no I/O; `await connect()` does. Leaving an `async with` block closes the client. A call made while
    a loop runs starts at once, so calls may be made first and awaited later.

        async with aerospike_py.async_client({"hosts": [("127.0.0.1", 3000)]}) as client:
            await client.connect()
            await client.put(("test", "users", 1), {"name": "Ada"})
            first, second = await asyncio.gather(client.get(key), client.get(other))
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> Literal[False]:
        await self.close()
        return False


def async_client(config: ClientConfig) -> AsyncClient:
    """Make an asyncio client; it does not connect yet."""
    return AsyncClient(config)
