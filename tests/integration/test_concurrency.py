"""One client, many threads or tasks, nothing lost and nothing mixed up."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fixtures.program import run_program

import aerospike_py

THREADS = 8


def in_threads(work, count=THREADS):
    """Run `work(number)` in threads that start together; results in order, the first error raised."""
    start = threading.Barrier(count)

    def begin(number):
        start.wait(30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return [each.result(60) for each in [pool.submit(begin, number) for number in range(count)]]


def test_increments_from_many_threads_are_not_lost(client, key):
    in_threads(lambda _: [client.increment(key, "n", 1) for _ in range(100)])
    assert client.get(key).bins == {"n": THREADS * 100}


def test_increments_from_many_tasks_are_not_lost(hosts, key):
    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await asyncio.gather(*(client.increment(key, "n", 1) for _ in range(500)))
            assert (await client.get(key)).bins == {"n": 500}

    asyncio.run(scenario())


def test_threads_see_their_own_records(client, new_key):
    def work(number):
        keys = [new_key(f"thread{number}") for _ in range(40)]
        for n, key in enumerate(keys):
            client.put(key, {"t": number, "n": n})
        assert [client.get(key).bins for key in keys] == [{"t": number, "n": n} for n in range(40)]
        assert client.batch_read(keys).to_list() == [{"t": number, "n": n} for n in range(40)]
        client.batch_remove(keys)
        assert client.batch_read(keys, []).found_count() == 0

    in_threads(work)


def test_errors_on_one_thread_do_not_disturb_others(client, new_key):
    good = new_key()
    client.put(good, {"a": 1})

    def work(number):
        for _ in range(50):
            if number % 2:
                with pytest.raises(aerospike_py.RecordNotFound):
                    client.get(new_key())
                with pytest.raises(TypeError):
                    client.put(good, {"a": object()})
            else:
                assert client.get(good).bins == {"a": 1}

    in_threads(work)


def test_one_result_serves_many_threads(client, new_key):
    keys = [new_key() for _ in range(300)]
    client.batch_write([(key, {"n": number}) for number, key in enumerate(keys)])
    result = client.batch_read(keys)
    expected = {key[2]: {"n": number} for number, key in enumerate(keys)}

    def work(number):
        for _ in range(10):
            if number % 3 == 0:
                result.release_cache()
            assert result.to_dict() == expected
            assert len(result.to_list()) == 300

    in_threads(work)


def test_several_clients_in_several_threads(hosts, new_key):
    def work(number):
        with aerospike_py.client({"hosts": hosts}).connect() as own:
            key = new_key()
            for n in range(20):
                own.put(key, {"n": n})
                assert own.get(key).bins == {"n": n}

    in_threads(work, 4)


def test_metrics_may_be_read_while_calls_run(client, key):
    client.put(key, {"a": 1})

    def work(number):
        for _ in range(20):
            if number % 2:
                assert aerospike_py.get_metrics().endswith("# EOF\n")
            else:
                client.get(key)

    in_threads(work, 10)


def test_closing_during_calls_ends_them(hosts, key):
    client = aerospike_py.client({"hosts": hosts}).connect()
    client.put(key, {"a": 1})

    def work(number):
        if number == 0:
            time.sleep(0.05)
            client.close()
            return
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                client.get(key)
            except aerospike_py.AerospikeError:
                return
        raise AssertionError("the client was closed and went on answering")

    in_threads(work)
    assert client.is_connected() is False


# ---- backpressure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3])
def test_surplus_operations_wait_for_a_slot(hosts, new_key, limit):
    async def scenario():
        config = {"hosts": hosts, "max_concurrent_operations": limit}
        async with aerospike_py.async_client(config) as client:
            await client.connect()
            keys = [new_key() for _ in range(100)]
            await asyncio.gather(*(client.put(key, {"n": n}) for n, key in enumerate(keys)))
            records = await asyncio.gather(*(client.get(key) for key in keys))
            assert [record.bins["n"] for record in records] == list(range(100))

    asyncio.run(scenario())


def test_threads_wait_for_a_slot_too(hosts, key):
    with aerospike_py.client({"hosts": hosts, "max_concurrent_operations": 1}).connect() as client:
        in_threads(lambda _: [client.increment(key, "n", 1) for _ in range(30)])
        assert client.get(key).bins == {"n": THREADS * 30}


def test_a_slot_that_does_not_come_in_time_is_backpressure(hosts, new_key):
    """One slot, a queue that gives up after a millisecond, and calls large enough to keep the slot longer."""

    async def scenario():
        config = {"hosts": hosts, "max_concurrent_operations": 1, "operation_queue_timeout_ms": 1}
        async with aerospike_py.async_client(config) as client:
            await client.connect()
            keys = [new_key() for _ in range(20_000)]
            calls = [client.batch_read(keys, policy={"total_timeout": 20_000}) for _ in range(3)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            refused = [outcome for outcome in outcomes if isinstance(outcome, aerospike_py.BackpressureError)]
            assert len(refused) >= 1
            assert all("batch_read" in str(error) for error in refused)
            assert all("max_concurrent_operations" in str(error) for error in refused)
            assert any(isinstance(outcome, aerospike_py.LazyBatchRecords) for outcome in outcomes)
            assert await client.ping() is True

    asyncio.run(scenario())


def test_waiting_for_a_slot_counts_against_the_deadline(hosts, new_key):
    """No limit on the queue itself: what ends the wait is the deadline of the call."""

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts, "max_concurrent_operations": 1}) as client:
            await client.connect()
            keys = [new_key() for _ in range(20_000)]
            calls = [client.batch_read(keys, policy={"total_timeout": 20_000}) for _ in range(3)]
            with pytest.raises(aerospike_py.AerospikeTimeoutError):
                await client.get(keys[0], {"total_timeout": 2})
            assert [len(result.batch_records) for result in await asyncio.gather(*calls)] == [20_000] * 3

    asyncio.run(scenario())


# ---- connections -----------------------------------------------------------------------------------------------------


def test_a_loop_uses_a_limited_number_of_connections(hosts):
    """At most 32 of each node are busy at once; a thousand writes queue for them. In a process of its own, where no
    server has sockets too."""
    done = run_program(
        hosts,
        """
        async def scenario():
            async with aerospike_py.async_client({"hosts": HOSTS}) as client:
                await client.connect()
                before = len(sockets_at_rest())
                keys = [("test", "contract", f"many {n}") for n in range(1000)]
                await asyncio.gather(*(client.put(key, {"n": 1}) for key in keys))
                print(len(client.get_node_names()), len(sockets()) - before)

        asyncio.run(scenario())
        """,
    )
    nodes, opened = map(int, done.stdout.split())
    assert 1 <= opened <= 32 * nodes
