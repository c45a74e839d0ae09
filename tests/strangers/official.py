"""The package `aerospike` (C client) against a cluster. Usage: official.py HOST:PORT,... NODES"""

import sys

import aerospike

hosts = [(host, int(port)) for host, port in (seed.rsplit(":", 1) for seed in sys.argv[1].split(","))]
client = aerospike.client({"hosts": hosts}).connect()
try:
    keys = [("test", f"official_{i % 3}", f"key {i}") for i in range(90)]
    keys += [("test", "official_0", i) for i in range(10)]
    wanted = [{"i": i, "f": i / 4, "s": f"text {i}", "l": [i, "a", None], "m": {"k": i}} for i in range(100)]
    for key, bins in zip(keys, wanted, strict=True):
        client.put(key, bins, meta={"ttl": 1000})
    for key, bins in zip(keys, wanted, strict=True):
        _, meta, got = client.get(key)
        assert got == bins, (key, got)
        assert meta["gen"] == 1, meta
        assert 990 <= meta["ttl"] <= 1000, meta
    rows = client.batch_read([*keys, ("test", "official_0", "missing")]).batch_records
    assert [row.record[2] for row in rows[:-1]] == wanted
    assert [row.result for row in rows[:-1]] == [0] * 100
    assert rows[-1].result == 2, rows[-1].result
    assert client.select(keys[5], ["i", "s"])[2] == {"i": 5, "s": "text 5"}
    assert client.increment(keys[0], "i", 5) == 0
    assert client.get(keys[0])[2]["i"] == 5
    client.remove(keys[0])
    assert client.exists(keys[0])[1] is None
    assert len(client.get_node_names()) == int(sys.argv[2])
finally:
    client.close()
print("ok")
