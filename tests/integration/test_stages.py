"""The stages of a call add up to what a stopwatch around it sees, on both faces, however the call ends."""

import asyncio
import statistics
import time

import pytest

import aerospike_py

SHARE_MIN = 0.98
ROUNDS = 60


@pytest.fixture(autouse=True)
def profiled():
    """Profiling on for the test only."""
    with aerospike_py.internal_stage_profiling():
        yield


def accounted(timings, wall):
    """Share of `wall` that the stages account for."""
    return sum(seconds for stage, seconds in timings.items() if stage != "unaccounted") / wall


def workloads(key):
    """Calls by name of the method: arguments, made before the stopwatch starts."""
    keys = [(key[0], key[1], f"{key[2]}-{i}") for i in range(200)]
    return {
        "get": (key,),
        "select": (key, ["a"]),
        "put": (key, {"a": 1, "b": "text"}),
        "exists": ((key[0], key[1], f"{key[2]}-missing"),),
        "operate": (key, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
        "batch_read": (keys,),
        "batch_write": ([(each, {"n": 1}) for each in keys[:20]],),
        "info_all": ("build",),
    }


@pytest.mark.parametrize("name", workloads(("", "", "")))
def test_stages_of_a_sync_call_add_up(client, key, name):
    arguments = workloads(key)[name]
    call = getattr(client, name)
    client.put(key, {"a": 1})
    shares = []
    for _ in range(ROUNDS):
        result = None  # the last one is freed outside the stopwatch
        started = time.perf_counter()
        result = call(*arguments)
        wall = time.perf_counter() - started
        shares.append(accounted(aerospike_py.last_timings(), wall))
        del result
    assert statistics.median(shares) >= SHARE_MIN
    assert max(shares) <= 1.0


@pytest.mark.parametrize("name", workloads(("", "", "")))
def test_stages_of_an_asyncio_call_add_up(hosts, key, name):
    arguments = workloads(key)[name]

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await client.put(key, {"a": 1})
            method = getattr(client, name)
            shares = []
            for _ in range(ROUNDS):
                call = result = None
                started = time.perf_counter()
                call = method(*arguments)
                result = await call
                wall = time.perf_counter() - started
                assert aerospike_py.last_timings() == call.timings
                shares.append(accounted(call.timings, wall))
                del result
            return shares

    shares = asyncio.run(scenario())
    assert statistics.median(shares) >= SHARE_MIN
    assert max(shares) <= 1.0


def test_a_call_that_fails_has_its_stages_too(client, hosts, key):
    with pytest.raises(aerospike_py.RecordNotFound) as caught:
        client.get(key)
    assert caught.value.timings == aerospike_py.last_timings()
    assert aerospike_py.last_timings()["io"] > 0
    with pytest.raises(aerospike_py.AerospikeTimeoutError):
        client.batch_read([key] * 20_000, policy={"total_timeout": 1, "max_retries": 0})
    timings = aerospike_py.last_timings()
    assert timings["io"] + timings["tokio_schedule_delay"] + timings["key_parse"] > 0.001 * SHARE_MIN

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as asyncio_client:
            await asyncio_client.connect()
            call = asyncio_client.get(key)
            with pytest.raises(aerospike_py.RecordNotFound) as caught:
                await call
            assert caught.value.timings == call.timings
            assert call.timings["io"] + call.timings["event_loop_resume_delay"] > 0
            assert aerospike_py.last_timings() == call.timings

    asyncio.run(scenario())


def test_a_busy_loop_shows_as_a_busy_loop(hosts, key):
    busy_s = 0.02

    async def spin(stop):
        while not stop:
            until = time.perf_counter() + busy_s
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await client.put(key, {"a": 1})
            await client.get(key)
            stop = []
            spinning = asyncio.create_task(spin(stop))
            seen = []
            for _ in range(10):
                started = time.perf_counter()
                call = client.get(key)
                await call
                seen.append((time.perf_counter() - started, call.timings))
            stop.append(True)
            await spinning
            return seen

    seen = asyncio.run(scenario())
    assert statistics.median(accounted(timings, wall) for wall, timings in seen) >= SHARE_MIN
    waited = [timings["event_loop_resume_delay"] + timings["tokio_schedule_delay"] for _, timings in seen]
    assert statistics.median(waited) > busy_s / 2, "the wait for the loop belongs to the loop"
    assert statistics.median(timings["io"] for _, timings in seen) < busy_s / 2, "and not to the network"


def test_calls_of_one_tick_each_account_for_their_own_time(hosts, new_key):
    keys = [new_key() for _ in range(32)]

    async def timed(client, key):
        started = time.perf_counter()
        call = client.get(key)
        await call
        return accounted(call.timings, time.perf_counter() - started)

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await asyncio.gather(*[client.put(each, {"a": 1}) for each in keys])
            shares = []
            for _ in range(10):
                shares += await asyncio.gather(*[timed(client, each) for each in keys])
            return shares

    assert statistics.median(asyncio.run(scenario())) >= SHARE_MIN


def test_each_task_has_timings_of_its_own(hosts, new_key):
    first, second = new_key(), new_key()

    async def read(client, key, calls):
        call = client.get(key)
        await call
        await asyncio.sleep(0.02)
        assert aerospike_py.last_timings() == call.timings
        calls.append(call)

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            await asyncio.gather(client.put(first, {"a": 1}), client.put(second, {"a": 1}))
            calls = []
            await asyncio.gather(read(client, first, calls), read(client, second, calls))
            assert calls[0].timings != calls[1].timings

    asyncio.run(scenario())


def test_a_sync_call_has_the_stages_of_a_thread_and_an_asyncio_call_those_of_a_loop(hosts, client, key):
    client.put(key, {"a": 1})
    shared = {"key_parse", "limiter_wait", "tokio_schedule_delay", "io", "retry_wait", "spawn_blocking_delay"}
    shared |= {"into_pyobject", "unaccounted"}
    assert set(aerospike_py.last_timings()) == shared | {"gil_wait"}

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts}) as asyncio_client:
            await asyncio_client.connect()
            call = asyncio_client.get(key)
            await call
            assert set(call.timings) == shared | {"future_into_py_setup", "event_loop_resume_delay"}

    asyncio.run(scenario())


def test_waiting_for_a_slot_shows_as_limiter_wait(hosts, new_key):
    keys = [new_key() for _ in range(50)]

    async def scenario():
        async with aerospike_py.async_client({"hosts": hosts, "max_concurrent_operations": 1}) as client:
            await client.connect()
            calls = [client.put(each, {"a": 1}) for each in keys]
            await asyncio.gather(*calls)
            return [each.timings["limiter_wait"] for each in calls]

    waits = asyncio.run(scenario())
    assert waits[-1] > 10 * waits[0], "first come, first served"


def test_a_thread_that_holds_the_gil_shows_as_gil_wait(client, key):
    import sys
    import threading

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        client.put(key, {"a": 1})
        assert aerospike_py.last_timings()["gil_wait"] < 0.05
        return
    client.put(key, {"a": 1})
    stop = threading.Event()

    def spin():
        while not stop.is_set():
            pass

    spinning = threading.Thread(target=spin)
    spinning.start()
    try:
        waits = []
        for _ in range(200):
            client.get(key)
            waits.append(aerospike_py.last_timings()["gil_wait"])
    finally:
        stop.set()
        spinning.join()
    assert max(waits) > sys.getswitchinterval() / 2
