"""Nodes that die and come back while calls run."""

import asyncio
import threading
import time

import pytest
from fixtures.faces import KINDS, make_face
from fixtures.stopwatch import Stopwatch

import aerospike_py
from aerospike_py import exception

KEYS = [("test", "loss", i) for i in range(300)]
POLICY = {"total_timeout": 5000, "max_retries": 5}


@pytest.fixture
def losing(leak_check):
    """Three nodes that a test may stop, filled with records."""
    from aerospike_py.testing import Server

    with Server(nodes=3) as server:
        with aerospike_py.client({"hosts": list(server.hosts)}).connect() as client:
            written = client.batch_write([(key, {"i": key[2]}) for key in KEYS], POLICY)
            assert [each.result for each in written.batch_records] == [0] * len(KEYS)
        yield server


EXPECTED = [{"i": i} for i in range(len(KEYS))]


@pytest.mark.parametrize("kind", KINDS)
def test_node_dies_during_batches_and_every_row_is_still_read(losing, kind):
    face = make_face(kind, {"hosts": list(losing.hosts), "tend_interval": 200})
    face.connect()
    stopper = threading.Timer(0.15, losing.stop_node, [1])
    stopper.start()
    try:
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            assert face.batch_read(KEYS, policy=POLICY).to_list() == EXPECTED
        assert len(face.get_node_names()) == 2
        losing.start_node(1)
        until = time.monotonic() + 10
        while len(face.get_node_names()) != 3:
            assert time.monotonic() < until, "the node that came back is not seen"
            face.batch_read(KEYS, policy=POLICY)
        face.put(KEYS[0], {"i": 0}, policy=POLICY)
        assert face.get(KEYS[0], POLICY).bins == {"i": 0}
    finally:
        stopper.join()
        face.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_every_node_dies_and_calls_end_in_time(losing, kind):
    face = make_face(kind, {"hosts": list(losing.hosts), "tend_interval": 200})
    face.connect()
    try:
        for node in range(3):
            losing.stop_node(node)
        for call in (
            lambda: face.get(KEYS[0], {"total_timeout": 300}),
            lambda: face.put(KEYS[0], {"i": 0}, policy={"total_timeout": 300}),
            lambda: face.batch_read(KEYS, policy={"total_timeout": 300}),
        ):
            watch = Stopwatch()
            with pytest.raises((exception.ClusterError, exception.AerospikeTimeoutError)):
                call()
            assert watch.took() < 0.3 + 0.5
        assert not face.ping()
        for node in range(3):
            losing.start_node(node)
        until = time.monotonic() + 10
        while True:
            try:
                face.put(KEYS[0], {"i": 0}, policy={"total_timeout": 1000})
                break
            except exception.AerospikeError:
                assert time.monotonic() < until, "the cluster that came back is not used"
        assert face.get(KEYS[0]).bins == {"i": 0}
    finally:
        face.dispose()


def test_node_dies_under_many_coroutines(losing):
    async def main():
        async with aerospike_py.async_client({"hosts": list(losing.hosts), "tend_interval": 200}) as client:
            await client.connect()
            stopped = asyncio.get_running_loop().run_in_executor(None, _stop_later, losing)
            for _ in range(12):
                calls = [client.get(key, POLICY) for key in KEYS]
                records = await asyncio.gather(*calls)
                assert [each.bins for each in records] == EXPECTED
                await asyncio.sleep(0.05)
            await stopped

    asyncio.run(main())


def _stop_later(server):
    time.sleep(0.1)
    server.stop_node(2)


def test_node_dies_under_writing_threads_and_counts_stay_right(losing):
    key = ("test", "loss", "counter")
    with aerospike_py.client({"hosts": list(losing.hosts), "tend_interval": 200}).connect() as client:
        client.put(key, {"n": 0})
        done, doubtful, lock = [0], [0], threading.Lock()

        def increment():
            for _ in range(100):
                try:
                    client.increment(key, "n", 1, policy={"total_timeout": 5000})
                except exception.AerospikeError as error:
                    with lock:
                        doubtful[0] += error.in_doubt
                else:
                    with lock:
                        done[0] += 1
                time.sleep(0.005)

        threads = [threading.Thread(target=increment) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        losing.stop_node(0)
        for thread in threads:
            thread.join(60)
        counted = client.get(key, POLICY).bins["n"]
        # What was reported as done was done; what was in doubt may have been.
        assert done[0] <= counted <= done[0] + doubtful[0]
        assert done[0] > 200
