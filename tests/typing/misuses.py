"""What type checkers must refuse. Strict mypy complains of an `ignore` that suppresses nothing, so each line has to be
an error of the named kind."""

from __future__ import annotations

import aerospike_py
from aerospike_py import AsyncClient, BatchPolicyInstance, Client, ClientConfig

NO_HOSTS: ClientConfig = {"timeout": 1000}  # type: ignore[typeddict-item]
MISSPELLED: ClientConfig = {"hosts": [], "time_out": 1}  # type: ignore[typeddict-unknown-key]


def misuse(client: Client) -> None:
    """Wrong arguments of the synchronous client."""
    client.get("key")  # type: ignore[arg-type]
    client.get(("test", "demo"))  # type: ignore[arg-type]
    client.get(("test", None, "k"))  # type: ignore[arg-type]
    client.get(("test", "demo", "k"), {"total_timeout": "fast"})  # type: ignore[arg-type]
    client.get(("test", "demo", "k"), {"ttl": 1})  # type: ignore[arg-type]
    client.put(("test", "demo", "k"), [1])  # type: ignore[arg-type]
    client.put(("test", "demo", "k"), {"a": 1}, policy={"exists": 9})  # type: ignore[arg-type]
    client.increment(("test", "demo", "k"), "n", "1")  # type: ignore[arg-type]
    client.batch_read([("test", "demo", "k")]).to_dict(by="colour")  # type: ignore[call-overload]
    client.batch_read([("test", "demo", "k")]).as_dict()  # type: ignore[attr-defined]
    client.query("test", "demo")  # type: ignore[attr-defined]
    print(client.put(("test", "demo", "k"), {"a": 1}))  # type: ignore[func-returns-value]
    client.admin_create_role("r", [{"code": 10, "namespace": "test"}])  # type: ignore[typeddict-unknown-key]
    BatchPolicyInstance(speed=1)  # type: ignore[call-arg]
    aerospike_py.POLICY_KEY_SEND = 0  # type: ignore[misc]


async def forgotten_await(client: AsyncClient) -> None:
    """A call is not its result."""
    print(client.get(("test", "demo", "k")).bins)  # type: ignore[attr-defined]
