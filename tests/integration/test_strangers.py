"""Clients of other makes work against the embedded server, so it does not merely agree with our own client."""

import importlib.util
from pathlib import Path

import pytest
from fixtures.certificates import Authority

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


def test_failure_of_a_stranger_is_told():
    with Server() as server:
        nobody_listens = [(host, port) for host, port in server.hosts]
    problem = strangers.run_stranger("official", nobody_listens)
    assert problem.startswith("exit status 1\n")
    assert "Error" in problem
