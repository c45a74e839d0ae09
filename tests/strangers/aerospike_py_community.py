"""The package `aerospike-py` (Rust client) against a cluster. Usage: aerospike_py_community.py HOST:PORT,... NODES"""

import asyncio
import os
import sys

import aerospike_py

hosts = [(host, int(port)) for host, port in (seed.rsplit(":", 1) for seed in sys.argv[1].split(","))]
keys = [("test", f"community_{i % 3}", f"key {i}") for i in range(100)]
wanted = [{"i": i, "f": i / 4, "s": f"text {i}", "l": [i, "a", None], "m": {"k": i}} for i in range(100)]


def check_sync() -> None:
    """The blocking client."""
    client = aerospike_py.client({"hosts": hosts}).connect()
    try:
        for key, bins in zip(keys, wanted, strict=True):
            client.put(key, bins)
        for key, bins in zip(keys, wanted, strict=True):
            record = client.get(key)
            assert record.bins == bins, (key, record)
            assert record.meta.gen == 1, record
        rows = client.batch_read([*keys, ("test", "community_0", "missing")])
        assert rows.to_dict() == {key[2]: bins for key, bins in zip(keys, wanted, strict=True)}
        assert len(client.get_node_names()) == int(sys.argv[2])
        client.remove(keys[0])
        assert client.exists(keys[0]).meta is None
    finally:
        client.close()


async def check_asyncio() -> None:
    """The asyncio client."""
    client = aerospike_py.AsyncClient({"hosts": hosts})
    await client.connect()
    try:
        got = await asyncio.gather(*[client.get(key) for key in keys[1:]])
        assert [record.bins for record in got] == wanted[1:]
        assert len((await client.batch_read(keys)).to_dict()) == 99
    finally:
        await client.close()


check_sync()
asyncio.run(check_asyncio())
print("ok", flush=True)
os._exit(0)  # all that is to be shown was shown; how the interpreter ends is not looked at
