"""The package `aerospike-native` (Rust client) against a cluster. Usage: native.py HOST:PORT,... NODES"""

import asyncio
import sys

import aerospike_native
from aerospike_native import Key

seeds = sys.argv[1]
keys = [Key("test", f"native_{i % 3}", f"key {i}") for i in range(100)]
wanted = [{"i": i, "f": i / 4, "s": f"text {i}", "l": [i, "a", None], "m": {"k": i}} for i in range(100)]


def check_blocking() -> None:
    """The blocking calls."""
    client = aerospike_native.new_client_blocking(aerospike_native.ClientPolicy(), seeds)
    try:
        for key, bins in zip(keys, wanted, strict=True):
            client.put_blocking(key, bins)
        for key, bins in zip(keys, wanted, strict=True):
            assert client.get_blocking(key).bins == bins, key
        rows = client.batch_read_blocking([*keys, Key("test", "native_0", "missing")])
        assert [row.record.bins for row in rows[:-1]] == wanted
        assert rows[-1].record is None
    finally:
        client.close_blocking()


async def check_asyncio() -> None:
    """The asyncio client."""
    client = await aerospike_native.new_client(aerospike_native.ClientPolicy(), seeds)
    try:
        got = await asyncio.gather(*[client.get(key) for key in keys])
        assert [record.bins for record in got] == wanted
        rows = await client.batch_read(keys)
        assert [row.record.bins for row in rows] == wanted
    finally:
        await client.close()


check_blocking()
asyncio.run(check_asyncio())
print("ok")
