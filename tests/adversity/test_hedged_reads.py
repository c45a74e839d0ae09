"""Reads that ask a second replica when the first is slow: both faces, the budget, and what the config refuses."""

import time

import pytest
from fixtures import hostile
from fixtures.counters import counts
from fixtures.faces import KINDS
from fixtures.replicated import faces_on, replicated_cluster

import aerospike_py

KEYS = [("test", "hedged", i) for i in range(40)]
LONG = {"total_timeout": 60_000}
SLOW_SECONDS = 3.0


@pytest.fixture
def replicated():
    with replicated_cluster(3) as cluster:
        yield cluster


@pytest.fixture
def face_on(replicated):
    with faces_on(replicated, KEYS) as make:
        yield make


def read_all(face, policy=LONG):
    for i, key in enumerate(KEYS):
        assert face.get(key, policy).bins == {"i": i}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", [{"after_ms": 30}, {"percentile": 90}])
def test_a_slow_node_costs_its_reads_the_delay_and_no_more(replicated, face_on, kind, when):
    face = face_on(kind, hedged_reads=when | {"share": 1})
    read_all(face)  # connections are made
    replicated.proxies[1].arm(hostile.delayed(SLOW_SECONDS))
    before = counts()
    began = time.monotonic()
    read_all(face)
    took = time.monotonic() - began
    slow = replicated.proxies[1].faulted
    assert slow >= 5
    assert took < slow * SLOW_SECONDS / 2
    assert counts()["hedge_won"] - before["hedge_won"] >= 5
    replicated.proxies[1].heal()
    read_all(face)
    # The answers that came late are read, belong to nobody, and their connections go on being used.
    until = time.monotonic() + 60
    while counts()["reply_discarded"] == before["reply_discarded"]:
        assert time.monotonic() < until
        face.get(KEYS[0], LONG)
        time.sleep(0.05)
    read_all(face)


def test_never_more_than_the_share(replicated, face_on):
    face = face_on("sync", hedged_reads={"after_ms": 5, "share": 0.1})
    before = counts()
    replicated.arm(hostile.delayed(0.03))
    read_all(face)
    sent = counts()["hedge_sent"] - before["hedge_sent"]
    assert 1 <= sent <= len(KEYS) * 0.1
    assert counts()["hedge_refused"] > before["hedge_refused"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", [{"after_ms": 30}, {"percentile": 90}])
def test_a_slow_node_costs_a_batch_the_delay_and_no_more(replicated, face_on, kind, when):
    face = face_on(kind, hedged_reads=when | {"share": 1})
    whole = [{"i": i} for i in range(len(KEYS))]
    assert face.batch_read(KEYS, policy=LONG).to_list() == whole  # connections are made
    replicated.proxies[1].arm(hostile.delayed(SLOW_SECONDS))
    before = counts()
    began = time.monotonic()
    assert face.batch_read(KEYS, policy=LONG).to_list() == whole
    assert time.monotonic() - began < SLOW_SECONDS / 2
    assert replicated.proxies[1].faulted >= 1
    assert counts()["hedge_won"] - before["hedge_won"] >= 5
    replicated.proxies[1].heal()
    assert face.batch_read(KEYS, policy=LONG).to_list() == whole


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_rows_of_the_slow_node_are_asked_again(replicated, face_on, kind):
    # So long that a pause of the machine makes no other node slow.
    face = face_on(kind, hedged_reads={"after_ms": 500, "share": 1})
    face.batch_read(KEYS, policy=LONG)  # connections are made
    replicated.proxies[1].arm(hostile.delayed(SLOW_SECONDS))
    before = counts()
    face.batch_read(KEYS, policy=LONG)
    assert replicated.proxies[1].faulted == 1
    asked_twice = counts()["hedge_sent"] - before["hedge_sent"]
    assert 5 <= asked_twice < len(KEYS) / 2
    assert counts()["hedge_won"] - before["hedge_won"] == asked_twice


def test_a_batch_asks_again_for_no_more_than_was_saved(replicated, face_on):
    face = face_on("sync", hedged_reads={"after_ms": 5, "share": 0.1})
    before = counts()
    replicated.proxies[1].arm(hostile.delayed(0.03))
    for _ in range(30):
        face.batch_read(KEYS, policy=LONG)
    sent = counts()["hedge_sent"] - before["hedge_sent"]
    assert 1 <= sent <= 30 * len(KEYS) * 0.1
    assert counts()["hedge_refused"] > before["hedge_refused"]


@pytest.mark.parametrize("kind", KINDS)
def test_off_unless_asked_for_and_never_for_writes_or_the_master_only(replicated, face_on, kind):
    plain, hedging = face_on(kind), face_on(kind, hedged_reads={"after_ms": 5, "share": 1})
    before = counts()
    replicated.arm(hostile.delayed(0.03))
    read_all(plain)
    plain.batch_read(KEYS, policy=LONG)
    hedging.batch_read(KEYS, policy=LONG | {"replica": aerospike_py.POLICY_REPLICA_MASTER})
    hedging.batch_write([(key, {"i": key[2]}) for key in KEYS], policy=LONG)
    for key in KEYS[:10]:
        hedging.put(key, {"i": key[2]}, policy=LONG)
        hedging.get(key, LONG | {"replica": aerospike_py.POLICY_REPLICA_MASTER})
    assert {name: counts()[name] for name in before if name.startswith("hedge")} == {
        name: value for name, value in before.items() if name.startswith("hedge")
    }


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (7, TypeError, "hedged_reads must be a dict, not int"),
        ({1: 2}, TypeError, "keys of hedged_reads must be str, not int"),
        ({"after_ms": "soon"}, TypeError, "str"),
        ({"percentile": "high"}, TypeError, "percentile must be a number, not str"),
        ({"after_ms": 5, "share": None}, TypeError, "share must be a number, not NoneType"),
        ({}, aerospike_py.InvalidArgError, "either after_ms or percentile"),
        ({"after_ms": 5, "percentile": 95}, aerospike_py.InvalidArgError, "either after_ms or percentile"),
        ({"after_ms": 0}, aerospike_py.InvalidArgError, "after_ms out of range: 0"),
        ({"after_ms": 60_001}, aerospike_py.InvalidArgError, "after_ms out of range: 60001"),
        ({"percentile": 0}, aerospike_py.InvalidArgError, "percentile must be above 0 and below 100, not 0"),
        ({"percentile": 100}, aerospike_py.InvalidArgError, "not 100"),
        ({"percentile": float("nan")}, aerospike_py.InvalidArgError, "not nan"),
        ({"after_ms": 5, "share": 0}, aerospike_py.InvalidArgError, "share must be above 0 and at most 1, not 0"),
        ({"after_ms": 5, "share": 1.5}, aerospike_py.InvalidArgError, "not 1.5"),
        ({"after": 5}, aerospike_py.InvalidArgError, r"unknown key 'after' \(after_ms, percentile, share\)"),
    ],
)
def test_what_makes_no_sense_is_refused(given, error, says):
    with pytest.raises(error, match=says):
        aerospike_py.client({"hosts": [("127.0.0.1", 3000)], "hedged_reads": given})


def test_none_leaves_it_off():
    aerospike_py.client({"hosts": [("127.0.0.1", 3000)], "hedged_reads": None})
