"""The counters of the core: what each counts, shown by something that moves it."""

import asyncio
import contextlib
import threading
import time

import pytest
from fixtures import hostile
from fixtures.counters import counts
from fixtures.faces import make_face

import aerospike_py
from aerospike_py import exception

KEY = ("test", "counters", "k")
KEYS = [("test", "counters", i) for i in range(40)]
LONG = {"total_timeout": 20_000}
ONCE_MORE = {"total_timeout": 20_000, "max_retries": 2}


def comes_true(condition, within_s=20):
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@contextlib.contextmanager
def moves(*names):
    """Each of these counters is higher afterwards, at last."""
    before = counts()
    yield
    for name in names:
        assert comes_true(lambda name=name: counts()[name] > before[name]), name


@contextlib.contextmanager
def moves_by(**steps):
    """Each of these counters has moved by exactly so much."""
    before = counts()
    yield
    assert {name: counts()[name] - before[name] for name in steps} == steps


@pytest.fixture
def ready(stage):
    """A stage with its record written and its connections made."""
    stage.face.put(KEY, {"a": 1}, policy=LONG)
    stage.face.batch_write([(key, {"a": 1}) for key in KEYS], LONG)
    return stage


def test_a_retry_that_the_budget_refuses(ready):
    large = {"a": b"x" * 800_000}  # two attempts spend the reserve of 1 MiB
    ready.cluster.arm(hostile.closing)
    with moves("attempt_retried", "retry_refused"), pytest.raises(aerospike_py.AerospikeError, match="budget"):
        ready.face.put(KEY, large, policy=ONCE_MORE | {"max_retries": 100})
    ready.cluster.heal()


def test_without_a_budget_only_the_number_of_retries_ends_them(ready):
    large = {"a": b"x" * 800_000}
    face = make_face("sync", {"hosts": ready.cluster.hosts, "timeout": 2000, "retry_budget": False})
    face.connect()
    try:
        ready.cluster.arm(hostile.closing)
        with moves_by(attempt_retried=5, retry_refused=0), pytest.raises(aerospike_py.AerospikeError):
            face.put(KEY, large, policy=ONCE_MORE | {"max_retries": 5})
    finally:
        ready.cluster.heal()
        face.dispose()


def test_an_attempt_that_is_made_again(ready):
    ready.cluster.arm(hostile.closing, times=1)
    with moves("attempt_retried"), moves_by(attempt_unsent=0, deadline_passed=0):
        assert ready.face.get(KEY, ONCE_MORE | {"max_retries": 5}).bins == {"a": 1}


def test_a_failed_attempt_makes_the_nodes_be_asked_early(ready):
    ready.cluster.arm(hostile.closing, times=1)
    with moves("tend_early"):
        ready.face.get(KEY, ONCE_MORE)


def test_nodes_are_not_asked_early_where_the_config_says_so(ready):
    with pytest.raises(TypeError, match="early_tend must be a bool, not str"):
        aerospike_py.client({"hosts": ready.cluster.hosts, "early_tend": "off"})
    face = make_face("sync", {"hosts": ready.cluster.hosts, "timeout": 2000, "early_tend": False})
    face.connect()
    try:
        ready.cluster.arm(hostile.closing, times=1)
        with moves("attempt_retried"), moves_by(tend_early=0):
            assert face.get(KEY, ONCE_MORE).bins == {"a": 1}
    finally:
        ready.cluster.heal()
        face.dispose()


def test_a_write_that_is_turned_away_is_parked(ready):
    ready.cluster.arm(hostile.refusing(11), times=1)
    with moves("call_parked"):
        ready.face.put(KEY, {"a": 1}, policy=LONG)


def test_attempts_that_send_nothing(ready):
    for proxy in ready.cluster.proxies:
        proxy.close()
    with moves("attempt_unsent", "connection_failed"), pytest.raises(exception.AerospikeError):
        ready.face.get(KEY, {"total_timeout": 200})


def test_a_deadline_that_passes(ready):
    ready.cluster.arm(hostile.silent)
    with moves_by(deadline_passed=1), pytest.raises(exception.AerospikeTimeoutError):
        ready.face.get(KEY, {"total_timeout": 100, "max_retries": 0})


def test_a_batch_that_is_split_again(ready):
    ready.cluster.arm(hostile.closing, times=1)
    with moves("batch_resplit", "attempt_retried"):
        assert ready.face.batch_read(KEYS, policy=ONCE_MORE | {"max_retries": 5}).to_list() == [{"a": 1}] * len(KEYS)


def test_an_answer_that_is_none(ready):
    ready.cluster.arm(hostile.garbage)
    with moves_by(bad_reply=1), pytest.raises(exception.AerospikeError):
        ready.face.get(KEY, {"total_timeout": 20_000, "max_retries": 0})


def test_a_late_reply_that_is_dropped_and_its_connection_lives_on(ready):
    late = {"total_timeout": 100, "timeout_delay": 20_000, "max_retries": 0}
    for _ in range(2):
        ready.cluster.arm(hostile.delayed(0.5))
        with moves("reply_discarded"), moves_by(connection_closed=0):
            for _ in range(3):
                with pytest.raises(exception.AerospikeTimeoutError):
                    ready.face.get(KEY, late)
            if ready.kind == "async":  # its loop runs during calls only
                ready.cluster.heal()
                assert comes_true(lambda: ready.face.get(KEY, LONG).bins == {"a": 1})
                time.sleep(0.6)
                ready.face.get(KEY, LONG)
        ready.cluster.heal()
        ready.cluster.settle()
        time.sleep(0.1)
        ready.face.get(KEY, LONG)
    # What was opened for the first late calls served the second ones.
    accepted = sum(each.accepted for each in ready.cluster.proxies)
    ready.cluster.arm(hostile.delayed(0.5))
    for _ in range(3):
        with pytest.raises(exception.AerospikeTimeoutError):
            ready.face.get(KEY, late)
    assert sum(each.accepted for each in ready.cluster.proxies) == accepted


def test_a_batch_that_is_late_after_half_its_rows_came(ready):
    keys = [("test", "counters", f"large {i}") for i in range(90)]
    bins = {"b": b"x" * 10_000}
    ready.face.batch_write([(key, bins) for key in keys], LONG)
    assert ready.face.batch_read(keys, policy=LONG).to_list() == [bins] * len(keys)

    def halted(request, reply):
        return [reply[: len(reply) * 2 // 3], hostile.Pause(0.6), reply[len(reply) * 2 // 3 :]]

    ready.cluster.arm(halted, times=1)
    late = {"total_timeout": 300, "timeout_delay": 20_000, "max_retries": 0}
    with moves("reply_discarded"), moves_by(connection_closed=0, bad_reply=0):
        with pytest.raises(exception.AerospikeTimeoutError):
            ready.face.batch_read(keys, policy=late)
        ready.cluster.settle()
        for _ in range(20):
            assert ready.face.batch_read(keys, policy=LONG).to_list() == [bins] * len(keys)
            assert ready.face.get(KEY, LONG).bins == {"a": 1}


def test_a_late_reply_without_time_for_it_costs_its_connection(ready):
    ready.cluster.arm(hostile.delayed(0.3))
    with moves_by(reply_discarded=0), moves("connection_closed"):
        with pytest.raises(exception.AerospikeTimeoutError):
            ready.face.get(KEY, {"total_timeout": 100, "max_retries": 0})
        ready.cluster.heal()
        ready.face.get(KEY, LONG)


def test_connections(server, leak_check):
    with moves("connection_opened", "partition_map_changed"):
        client = aerospike_py.client({"hosts": server.hosts, "timeout": 20_000}).connect()
    with moves("connection_closed"):
        client.close()
    refused = aerospike_py.client({"hosts": [("127.0.0.1", hostile.port_nobody_listens_on())]})
    with moves("connection_failed"), pytest.raises(exception.ClusterError):
        refused.connect()


def test_tending(server, leak_check):
    with hostile.ProxiedCluster(server.hosts) as cluster:
        config = {"hosts": cluster.hosts, "tend_interval": 100, "timeout": 20_000}
        with aerospike_py.client(config).connect():
            with moves("tend_answered"):
                pass
            for proxy in cluster.proxies:
                proxy.info_fault = hostile.closing
            with moves("tend_failed"):
                pass


def test_a_thread_that_waits_for_a_connection(server, leak_check):
    with hostile.ProxiedCluster(server.hosts) as cluster:
        config = {"hosts": cluster.hosts, "max_conns_per_node": 1, "timeout": 20_000}
        with aerospike_py.client(config).connect() as client:
            client.put(KEY, {"a": 1}, policy=LONG)
            cluster.arm(hostile.delayed(0.1))
            with moves("call_queued"):
                threads = [threading.Thread(target=client.get, args=(KEY, LONG)) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()


def test_calls_that_find_no_slot(server, leak_check):
    one_at_a_time = {"max_concurrent_operations": 1, "operation_queue_timeout_ms": 50, "timeout": 20_000}

    async def two_gets(hosts):
        async with aerospike_py.async_client({"hosts": hosts, **one_at_a_time}) as client:
            await client.connect()
            return await asyncio.gather(client.get(KEY, LONG), client.get(KEY, LONG), return_exceptions=True)

    with hostile.ProxiedCluster(server.hosts) as cluster:
        with aerospike_py.client({"hosts": cluster.hosts, **one_at_a_time}).connect() as client:
            client.put(KEY, {"a": 1}, policy=LONG)
            cluster.arm(hostile.delayed(0.5))
            holder = threading.Thread(target=client.get, args=(KEY, LONG))
            with moves_by(call_refused=1):
                holder.start()
                time.sleep(0.1)
                with pytest.raises(exception.BackpressureError):
                    client.get(KEY, LONG)
                holder.join()
        with moves_by(call_refused=1):
            answered, refused = asyncio.run(two_gets(cluster.hosts))
        assert answered.bins == {"a": 1}
        assert isinstance(refused, exception.BackpressureError)


def test_calls_of_a_loop(server, leak_check):
    async def main(cluster):
        async with aerospike_py.async_client({"hosts": cluster.hosts, "timeout": 20_000}) as client:
            await client.connect()
            with moves("call_queued"):  # there is no connection yet
                await asyncio.gather(*(client.put(key, {"a": 1}, policy=LONG) for key in KEYS))
            with moves("call_merged"), moves_by(call_unmerged=0):
                for _ in range(4):  # after which even the first of a tick expects company
                    await asyncio.gather(*(client.get(key, LONG) for key in KEYS))
            cluster.arm(hostile.closing, times=1)
            with moves("call_unmerged"):
                await asyncio.gather(*(client.get(key, ONCE_MORE) for key in KEYS))
            cluster.arm(hostile.silent)
            with moves_by(call_cancelled=40):
                calls = [asyncio.ensure_future(client.get(key, LONG)) for key in KEYS]
                await asyncio.sleep(0.05)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            cluster.heal()

    with hostile.ProxiedCluster(server.hosts) as cluster:
        asyncio.run(main(cluster))


def test_every_counter_is_told():
    assert set(counts()) == {
        "attempt_retried",
        "attempt_unsent",
        "batch_resplit",
        "bad_reply",
        "breaker_avoided",
        "breaker_closed",
        "breaker_opened",
        "breaker_probed",
        "call_cancelled",
        "call_merged",
        "call_parked",
        "call_queued",
        "call_refused",
        "call_unmerged",
        "concurrency_lowered",
        "concurrency_raised",
        "connect_held",
        "connection_closed",
        "connection_failed",
        "connection_opened",
        "deadline_passed",
        "hedge_refused",
        "hedge_sent",
        "hedge_won",
        "log_dropped",
        "partition_map_changed",
        "queue_overflow",
        "rack_left",
        "reply_discarded",
        "retry_refused",
        "tend_answered",
        "tend_early",
        "tend_failed",
    }
