"""One node of three accepts everything and answers no call: reads leave it in time, then pass it over, then return."""

import time

import pytest
from fixtures import hostile
from fixtures.counters import counts
from fixtures.faces import KINDS
from fixtures.replicated import faces_on, replicated_cluster

import aerospike_py

KEYS = [("test", "silent", i) for i in range(60)]
LONG = {"total_timeout": 20_000}
# A third of it is what a read gives the first node.
READ = {"total_timeout": 1500}


@pytest.fixture
def replicated():
    with replicated_cluster(2) as cluster:
        yield cluster


@pytest.fixture
def face_on(replicated):
    with faces_on(replicated, KEYS) as make:
        yield make


def read_all(face):
    """Reads every key; how many took as long as a silent node makes them."""
    slow = 0
    for i, key in enumerate(KEYS):
        began = time.monotonic()
        assert face.get(key, READ).bins == {"i": i}
        slow += time.monotonic() - began >= READ["total_timeout"] / 1000 / 3
    return slow


@pytest.mark.parametrize("kind", KINDS)
def test_reads_pass_over_a_silent_node_and_come_back_to_it(replicated, face_on, kind):
    face = face_on(kind)
    silent = replicated.proxies[1]
    silent.arm(hostile.silent)
    before = counts()
    # About twenty of the keys belong to it: three open the breaker, and a probe follows now and then.
    assert read_all(face) <= 12
    assert counts()["breaker_opened"] > before["breaker_opened"]
    assert counts()["breaker_avoided"] > before["breaker_avoided"]
    silent.heal()
    until = time.monotonic() + 60
    while counts()["breaker_closed"] == before["breaker_closed"]:
        assert time.monotonic() < until
        read_all(face)
    served = silent.requests
    read_all(face)
    assert silent.requests > served


def test_switched_off_every_read_begins_with_its_master(replicated, face_on):
    face = face_on("sync", circuit_breaker=False)
    replicated.proxies[1].arm(hostile.silent)
    before = counts()
    assert read_all(face) > 12
    assert counts()["breaker_opened"] == before["breaker_opened"]


def test_the_switch_is_a_bool():
    with pytest.raises(TypeError, match="circuit_breaker"):
        aerospike_py.client({"hosts": [("127.0.0.1", 3000)], "circuit_breaker": "on"})


def test_without_any_connect_there_is_no_connection():
    with pytest.raises(aerospike_py.InvalidArgError, match="max_connecting_per_node must be at least 1"):
        aerospike_py.client({"hosts": [("127.0.0.1", 3000)], "max_connecting_per_node": 0})
