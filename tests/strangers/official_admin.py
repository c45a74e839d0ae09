"""The package `aerospike` (C client) as an administrator. Usage: HOST:PORT,... NODES USER PASSWORD"""

import sys

import aerospike
from aerospike import exception

seeds, _, user, password = sys.argv[1:]
hosts = [(host, int(port)) for host, port in (seed.rsplit(":", 1) for seed in seeds.split(","))]
client = aerospike.client({"hosts": hosts, "user": user, "password": password}).connect()


def code_of(call, *arguments):
    """The code with which the server refuses."""
    try:
        call(*arguments)
    except exception.AerospikeError as refused:
        return refused.code
    raise AssertionError(f"{call} was not refused")


try:
    scoped = {"code": aerospike.PRIV_READ_WRITE, "ns": "test", "set": "mine"}
    client.admin_create_role("keeper", [scoped, {"code": aerospike.PRIV_SYS_ADMIN}])
    client.admin_create_user("made by a stranger", "first", ["keeper", "read"])
    told = client.admin_query_user_info("made by a stranger")
    assert told["roles"] == ["keeper", "read"], told
    client.admin_grant_roles("made by a stranger", ["write"])
    client.admin_revoke_roles("made by a stranger", ["read"])
    everybody = client.admin_query_users_info()
    assert everybody["made by a stranger"]["roles"] == ["keeper", "write"], everybody
    assert everybody[user]["conns_in_use"] >= 1, everybody
    client.admin_grant_privileges("keeper", [{"code": aerospike.PRIV_READ, "ns": "test", "set": ""}])
    client.admin_revoke_privileges("keeper", [{"code": aerospike.PRIV_SYS_ADMIN, "ns": "", "set": ""}])
    client.admin_set_whitelist("keeper", ["127.0.0.1", "::1"])
    client.admin_set_quotas("keeper", 10, 20)
    role = client.admin_get_role("keeper")
    assert role["privileges"] == [scoped, {"code": aerospike.PRIV_READ, "ns": "test", "set": ""}], role
    assert role["whitelist"] == ["127.0.0.1", "::1"], role
    assert (role["read_quota"], role["write_quota"]) == (10, 20), role
    roles = client.admin_get_roles()
    assert {"keeper", "read", "user-admin"} <= set(roles), roles
    assert code_of(client.admin_create_user, "made by a stranger", "x", []) == 61
    assert code_of(client.admin_drop_user, "nobody") == 60
    assert code_of(client.admin_create_role, "keeper", [scoped]) == 71
    assert code_of(client.admin_get_role, "no such role") == 70
    client.admin_set_password("made by a stranger", "second")
    made = {"hosts": hosts, "user": "made by a stranger"}
    assert code_of(aerospike.client, made | {"password": "first"}) == 65
    himself = aerospike.client(made | {"password": "second"}).connect()
    himself.put(("test", "mine", 1), {"a": 1})
    assert himself.get(("test", "mine", 1))[2] == {"a": 1}
    himself.admin_change_password("made by a stranger", "third")
    assert code_of(himself.admin_create_user, "x", "x", []) == 81
    himself.close()
    client.admin_create_role("passing", [{"code": aerospike.PRIV_READ}])
    client.admin_drop_role("passing")
    client.admin_create_user("passing", "x", [])
    client.admin_drop_user("passing")
finally:
    client.close()
print("ok")
