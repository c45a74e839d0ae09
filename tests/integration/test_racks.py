"""Reads that prefer racks: which node they go to, on a cluster whose nodes all hold every record."""

import asyncio

import pytest
from fixtures import hostile
from fixtures.counters import counts
from fixtures.faces import KINDS
from fixtures.replicated import faces_on, replicated_cluster

import aerospike_py
from aerospike_py import exception

PREFER_RACK = {"replica": aerospike_py.POLICY_REPLICA_PREFER_RACK, "total_timeout": 10_000}
KEYS = [("test", "racks", i) for i in range(60)]
EXPECTED = [{"i": i} for i in range(60)]


@pytest.fixture(scope="module")
def racked():
    with replicated_cluster(3, rack_ids=[10, 20, 30]) as cluster:
        yield cluster


@pytest.fixture
def face_on(racked):
    with faces_on(racked, KEYS) as make:
        yield make


def served(racked, act):
    """How many record messages each node got while `act` ran."""
    before = [each.requests for each in racked.proxies]
    act()
    return [each.requests - earlier for each, earlier in zip(racked.proxies, before, strict=True)]


def read_one_by_one(face, policy):
    def act():
        assert [face.get(key, policy).bins for key in KEYS] == EXPECTED
        assert all(face.exists(key, policy).meta for key in KEYS)

    return act


def read_at_once(face, policy):
    def act():
        assert face.batch_read(KEYS, policy=policy).to_list() == EXPECTED

    return act


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rack", [10, 20, 30])
def test_every_read_goes_to_the_node_of_the_rack(racked, face_on, kind, rack):
    face = face_on(kind, rack_ids=[rack])
    node = rack // 10 - 1
    counts = served(racked, read_one_by_one(face, PREFER_RACK))
    assert counts[node] == sum(counts) == 2 * len(KEYS)
    counts = served(racked, read_at_once(face, PREFER_RACK))
    assert counts[node] == sum(counts) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_reads_that_leave_the_racks_are_counted(face_on, kind):
    near, far = face_on(kind, rack_ids=[10]), face_on(kind, rack_ids=[99])
    for face, left in ((near, 0), (far, 3 * len(KEYS))):
        before = counts()["rack_left"]
        read_one_by_one(face, PREFER_RACK)()
        read_at_once(face, PREFER_RACK)()
        assert counts()["rack_left"] - before == left


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_rack_that_has_a_node_serves(racked, face_on, kind):
    face = face_on(kind, rack_ids=(99, 30, 10))
    for act in (read_one_by_one(face, PREFER_RACK), read_at_once(face, PREFER_RACK)):
        counts = served(racked, act)
        assert counts[2] == sum(counts) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_goes_to_the_next_rack_in_order(racked, face_on, kind):
    # Without a breaker, which would keep reads away from the node that fails.
    face = face_on(kind, rack_ids=[30, 20], circuit_breaker=False)
    racked.proxies[2].arm(hostile.closing)
    try:
        for act in (read_one_by_one(face, PREFER_RACK), read_at_once(face, PREFER_RACK)):
            counts = served(racked, act)
            assert counts[0] == 0
            assert counts[1] > 0
            assert counts[2] > 0
    finally:
        racked.heal()
        racked.settle()


@pytest.mark.parametrize("kind", KINDS)
def test_reads_that_do_not_ask_for_it_and_writes_go_to_the_masters(racked, face_on, kind):
    face = face_on(kind, rack_ids=[20])

    def write_at_once():
        written = face.batch_write([(key, {"i": i}) for i, key in enumerate(KEYS)], PREFER_RACK)
        assert [each.result for each in written.batch_records] == [0] * len(KEYS)

    for act in (read_one_by_one(face, {"total_timeout": 10_000}), write_at_once):
        assert all(count > 0 for count in served(racked, act))


def test_gathered_reads_share_messages_to_the_node_of_the_rack(racked):
    async def main():
        config = {"hosts": racked.hosts, "rack_ids": [20], "timeout": 10_000}
        async with aerospike_py.async_client(config) as client:
            await client.connect()
            await asyncio.gather(*(client.put(key, {"i": i}) for i, key in enumerate(KEYS)))
            before = [each.requests for each in racked.proxies]
            records = await asyncio.gather(*(client.get(key, PREFER_RACK) for key in KEYS))
            assert [each.bins for each in records] == EXPECTED
            counts = [each.requests - earlier for each, earlier in zip(racked.proxies, before, strict=True)]
            assert counts[1] == sum(counts)
            assert 0 < counts[1] < len(KEYS)

    asyncio.run(main())


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_without_racks_is_read_in_sequence(hosts, kind, new_face, key):
    face = new_face(kind, rack_ids=[1])
    face.connect()
    face.put(key, {"a": 1})
    assert face.get(key, PREFER_RACK).bins == {"a": 1}


@pytest.mark.parametrize("racks", [[], None])
def test_without_racks_to_prefer_there_is_nothing_to_go_by(hosts, key, racks):
    with (
        aerospike_py.client({"hosts": hosts, "rack_ids": racks}).connect() as client,
        pytest.raises(exception.InvalidArgError, match="rack_ids"),
    ):
        client.get(key, PREFER_RACK)


@pytest.mark.parametrize(
    ("racks", "error"),
    [(5, TypeError), ("12", TypeError), (["1"], TypeError), ([1.5], TypeError), ([-1], exception.InvalidArgError)],
)
def test_racks_are_a_list_of_numbers(racks, error):
    with pytest.raises(error):
        aerospike_py.client({"hosts": [("127.0.0.1", 1)], "rack_ids": racks})
