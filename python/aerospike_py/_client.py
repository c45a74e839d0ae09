"""The synchronous client: the native one plus the `with` statement.

Every method is native. A Python frame per call would cost more than the rest of the call, so nothing is wrapped here.
"""

from __future__ import annotations

from . import _aerospike

TYPE_CHECKING = False  # as typing.TYPE_CHECKING, without the cost of importing `typing`
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self

    from .types import ClientConfig


class Client(_aerospike.Client):
    """A connection to a cluster, to be shared by threads.

    Making one does no I/O; `connect()` does. Leaving a `with` block closes the client.

        with aerospike_py.client({"hosts": [("127.0.0.1", 3000)]}).connect() as client:
            client.put(("test", "users", 1), {"name": "Ada"})
            record = client.get(("test", "users", 1))
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> Literal[False]:
        self.close()
        return False


def client(config: ClientConfig) -> Client:
    """Make a synchronous client; it does not connect yet."""
    return Client(config)
