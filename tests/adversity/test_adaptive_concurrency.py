"""A limit of requests at once per node that adapts: nothing waits for ever, and what waits keeps its deadline."""

import asyncio
import threading
import time

import pytest
from fixtures import hostile
from fixtures.counters import counts
from fixtures.faces import KINDS, make_face

import aerospike_py
from aerospike_py import exception

KEYS = [("test", "adaptive", i) for i in range(200)]
LONG = {"total_timeout": 60_000}


@pytest.fixture
def proxied(server):
    with hostile.ProxiedCluster(server.hosts) as cluster:
        yield cluster


@pytest.fixture
def face_on(proxied):
    made = []

    def make(kind):
        face = make_face(kind, {"hosts": proxied.hosts, "timeout": 10_000, "adaptive_concurrency": True})
        made.append(face)
        face.connect()
        face.batch_write([(key, {"i": key[2]}) for key in KEYS], LONG)
        return face

    yield make
    for each in made:
        each.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_answered_one_by_one_and_together(face_on, kind):
    face = face_on(kind)
    for key in KEYS[:20]:
        assert face.get(key, LONG).bins == {"i": key[2]}
    found = face.batch_read(KEYS, policy=LONG).to_dict()
    assert len(found) == len(KEYS)
    face.remove(KEYS[0], policy=LONG)
    with pytest.raises(aerospike_py.RecordNotFound):
        face.get(KEYS[0], LONG)


def test_threads_that_want_more_than_the_limit_wait_in_line(face_on, proxied):
    face = face_on("sync")
    proxied.arm(hostile.delayed(0.02))
    before = counts()["call_queued"]
    failed = []

    def read(part):
        try:
            for key in part:
                assert face.get(key, LONG).bins == {"i": key[2]}
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=read, args=(KEYS[i::20],)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not failed
    assert counts()["call_queued"] > before


def test_calls_of_a_loop_that_want_more_than_the_limit_wait_in_line(face_on, proxied):
    async def read_all():
        config = {"hosts": proxied.hosts, "adaptive_concurrency": True, "merge_concurrent_reads": False}
        async with aerospike_py.async_client(config) as client:
            await client.connect()
            return await asyncio.gather(*(client.get(key, LONG) for key in KEYS))

    face_on("sync")  # writes the records
    proxied.arm(hostile.delayed(0.02))
    before = counts()["call_queued"]
    assert [found.bins for found in asyncio.run(read_all())] == [{"i": key[2]} for key in KEYS]
    assert counts()["call_queued"] - before > len(KEYS) / 2


def test_what_waits_in_line_keeps_its_deadline(face_on, proxied):
    face = face_on("sync")
    proxied.arm(hostile.silent)
    took, failed = [], []

    def read(key):
        start = time.monotonic()
        try:
            face.get(key, {"total_timeout": 700})
        except exception.AerospikeError as error:
            failed.append(type(error))
        took.append(time.monotonic() - start)

    threads = [threading.Thread(target=read, args=(key,)) for key in KEYS[:40]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(took) == 40
    assert set(failed) == {aerospike_py.TimeoutError}
    assert min(took) >= 0.6


def test_the_switch_is_a_bool():
    with pytest.raises(TypeError, match="adaptive_concurrency must be a bool, not str"):
        aerospike_py.client({"hosts": [("127.0.0.1", 3000)], "adaptive_concurrency": "on"})
