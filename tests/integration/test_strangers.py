"""Clients of other makes work against the embedded server, so it does not merely agree with our own client."""

import importlib.util
from pathlib import Path

import pytest

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


def test_failure_of_a_stranger_is_told():
    with Server() as server:
        nobody_listens = [(host, port) for host, port in server.hosts]
    problem = strangers.run_stranger("official", nobody_listens)
    assert problem.startswith("exit status 1\n")
    assert "Error" in problem
