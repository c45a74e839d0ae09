"""The package `aerospike` (C client) over TLS with a login, and with TLS for the login only.

Usage: HOST:PORT,... NODES CAFILE TLS_NAME USER PASSWORD
"""

import sys

import aerospike
from aerospike import exception

seeds, nodes, cafile, tls_name, user, password = sys.argv[1:]
hosts = [(host, int(port), tls_name) for host, port in (seed.rsplit(":", 1) for seed in seeds.split(","))]
config = {"hosts": hosts, "tls": {"enable": True, "cafile": cafile}}

client = aerospike.client(config | {"user": user, "password": password}).connect()
try:
    keys = [("test", "official_secure", n) for n in range(100)]
    for n, key in enumerate(keys):
        client.put(key, {"n": n, "text": "x" * 100 * n})
    rows = client.batch_read(keys).batch_records
    assert [len(row.record[2]["text"]) for row in rows] == [100 * n for n in range(100)]
    assert len(client.get_node_names()) == int(nodes)
    try:
        client.truncate("test", "official_secure", 0)
    except exception.AerospikeError as refused:
        assert refused.code == 81, refused
    else:
        raise AssertionError("truncate without the role for it")
finally:
    client.close()

only = config | {"tls": config["tls"] | {"for_login_only": True}}
client = aerospike.client(only | {"user": user, "password": password}).connect()
try:
    assert client.get(keys[7])[2]["n"] == 7
    assert len(client.get_node_names()) == int(nodes)
finally:
    client.close()

for wrong, code in (({"user": user, "password": "wrong"}, 65), ({"user": "nobody", "password": password}, 60)):
    try:
        aerospike.client(config | wrong).connect()
    except exception.AerospikeError as refused:
        assert refused.code == code, (refused.code, refused)
    else:
        raise AssertionError("a login that had to be refused")
print("ok")
