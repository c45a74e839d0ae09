"""Clients of other makes work against the embedded server, so it does not merely agree with our own client."""

import importlib.util
from pathlib import Path

import pytest
from fixtures.certificates import Authority
from fixtures.hostile import COMPRESSED, ProxiedCluster

import aerospike_py
from aerospike_py.testing import Server

_path = Path(__file__).resolve().parents[2] / "tools/strangers.py"
_spec = importlib.util.spec_from_file_location("strangers", _path)
strangers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(strangers)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("nodes", [1, 3])
@pytest.mark.parametrize("name", strangers.NAMES)
def test_stranger_connects_writes_reads_and_reads_in_batches(name, nodes):
    with Server(nodes=nodes) as server:
        assert strangers.run_stranger(name, server.hosts) == ""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("nodes", [1, 3])
def test_the_official_client_logs_in_over_tls(nodes, tmp_path):
    authority = Authority(tmp_path / "authority")
    tls = authority.issue("cluster.example").files | {"name": "cluster.example"}
    login = ("ada", "a secret")
    with Server(nodes=nodes, tls=tls, users={login[0]: (login[1], ["read-write"])}) as server:
        seeds = [(host, port) for host, port, _ in server.tls_hosts]
        arguments = (authority.cafile, "cluster.example", *login)
        assert strangers.run_stranger("official", seeds, "official_secure", *arguments) == ""


@pytest.mark.timeout(300)
def test_a_stranger_administers_what_we_read_and_the_other_way_round():
    with Server(nodes=2, users={"root": ("a secret", ["user-admin"])}) as server:
        problem = strangers.run_stranger("official", server.hosts, "official_admin", "root", "a secret")
        assert problem == ""
        with aerospike_py.client({"hosts": server.hosts, "timeout": 20_000}).connect("root", "a secret") as client:
            assert [(each["user"], each["roles"]) for each in client.admin_query_users_info()] == [
                ("made by a stranger", ["keeper", "write"]),
                ("root", ["user-admin"]),
            ]
            assert client.admin_query_role("keeper") == {
                "name": "keeper",
                "privileges": [{"code": 11, "ns": "test", "set": "mine"}, {"code": 10, "ns": "test"}],
                "allowlist": ["127.0.0.1", "::1"],
                "read_quota": 10,
                "write_quota": 20,
            }
        config = {"hosts": server.hosts, "user": "made by a stranger", "password": "third", "timeout": 20_000}
        with aerospike_py.client(config).connect() as made:
            assert made.get(("test", "mine", 1)).bins == {"a": 1}


@pytest.mark.timeout(300)
def test_the_official_client_writes_and_reads_compressed():
    seen = []
    with Server(nodes=3, compression=True) as server, ProxiedCluster(server.hosts) as cluster:
        cluster.arm(lambda request, reply: [seen.append((request[1], reply[1])), reply][1:])
        assert strangers.run_stranger("official", cluster.hosts, "official_compressing") == ""
    assert sum(kind == COMPRESSED for kind, _ in seen) > 200
    assert sum(kind == COMPRESSED for _, kind in seen) > 200


def test_failure_of_a_stranger_is_told():
    with Server() as server:
        nobody_listens = [(host, port) for host, port in server.hosts]
    problem = strangers.run_stranger("official", nobody_listens)
    assert problem.startswith("exit status 1\n")
    assert "Error" in problem
