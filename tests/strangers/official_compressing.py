"""The package `aerospike` (C client) with compression. Usage: official_compressing.py HOST:PORT,... NODES"""

import sys

import aerospike

hosts = [(host, int(port)) for host, port in (seed.rsplit(":", 1) for seed in sys.argv[1].split(","))]
client = aerospike.client({"hosts": hosts}).connect()
policy = {"compress": True}
try:
    keys = [("test", "official_compressing", n) for n in range(200)]
    wanted = [{"n": n, "text": f"text {n} " * (1 + n % 100), "list": [n] * 50} for n in range(200)]
    for key, bins in zip(keys, wanted, strict=True):
        client.put(key, bins, policy=policy)
    for key, bins in zip(keys, wanted, strict=True):
        assert client.get(key, policy)[2] == bins, key
        assert client.select(key, ["text"], policy)[2] == {"text": bins["text"]}, key
    rows = client.batch_read(keys, policy=policy).batch_records
    assert [row.record[2] for row in rows] == wanted
    assert client.get(keys[7])[2] == wanted[7]
finally:
    client.close()
print("ok")
