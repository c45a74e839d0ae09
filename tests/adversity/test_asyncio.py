"""Awaits that are cancelled, clients closed under their calls, and loops that end before their clients."""

import asyncio
import contextlib
import gc
import threading
import time
import warnings

import pytest
from fixtures import hostile
from fixtures.stopwatch import Stopwatch

import aerospike_py
from aerospike_py import exception

KEY = ("test", "loops", "k")
KEYS = [("test", "loops", i) for i in range(50)]
LONG = {"total_timeout": 20_000}


@pytest.fixture
def cluster(server, leak_check):
    """Proxies before three nodes."""
    with hostile.ProxiedCluster(server.hosts) as running:
        yield running


def on_loop(cluster, body, **config):
    """Run `body(client)` on a loop of its own with a connected client."""

    async def main():
        async with aerospike_py.async_client({"hosts": cluster.hosts} | config) as client:
            await client.connect()
            await client.put(KEY, {"a": 1})
            await body(client)

    asyncio.run(main())


async def goes_on(client):
    await client.put(KEY, {"a": 1})
    assert (await client.get(KEY)).bins == {"a": 1}
    assert (await client.batch_read([KEY] * 3)).to_list() == [{"a": 1}] * 3


def test_cancelled_get_ends_at_once_and_its_late_reply_is_dropped(cluster):
    async def body(client):
        cluster.arm(hostile.delayed(0.2))
        for _ in range(10):
            task = asyncio.create_task(wrapped(client.get(KEY, LONG)))
            await asyncio.sleep(0.01)
            watch = Stopwatch()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert watch.took() < 0.1
        cluster.heal()
        for _ in range(20):
            await goes_on(client)
            await asyncio.sleep(0.02)

    on_loop(cluster, body)


async def wrapped(awaitable):
    return await awaitable


@pytest.mark.parametrize("call", ["get", "put", "batch_read", "batch_write", "operate", "exists", "info_all"])
def test_every_call_can_be_cancelled(cluster, call):
    arguments = {
        "get": (KEY,),
        "exists": (KEY,),
        "put": (KEY, {"a": 1}),
        "batch_read": (KEYS,),
        "batch_write": ([(key, {"a": 1}) for key in KEYS],),
        "operate": (KEY, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
        "info_all": ("build",),
    }[call]

    async def body(client):
        cluster.arm(hostile.delayed(0.1))
        for proxy in cluster.proxies:
            proxy.info_fault = hostile.delayed(0.1)
        for pause in (0, 0.001, 0.02):
            tasks = [asyncio.create_task(wrapped(getattr(client, call)(*arguments))) for _ in range(20)]
            await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        cluster.heal()
        await goes_on(client)

    on_loop(cluster, body)


def test_some_of_many_merged_calls_are_cancelled_and_the_others_answer(cluster):
    async def body(client):
        keys = [("test", "merged", i) for i in range(len(KEYS))]
        await client.batch_write([(key, {"i": key[2]}) for key in keys])
        cluster.arm(hostile.delayed(0.05))
        for _ in range(5):
            tasks = [asyncio.create_task(wrapped(client.get(key))) for key in keys]
            await asyncio.sleep(0.01)
            for task in tasks[::2]:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended[::2])
            assert [each.bins for each in ended[1::2]] == [{"i": i} for i in range(1, len(KEYS), 2)]
        cluster.heal()
        await goes_on(client)

    on_loop(cluster, body)


def test_wait_for_gives_up_before_the_call_does(cluster):
    async def body(client):
        cluster.arm(hostile.silent)
        for _ in range(5):
            watch = Stopwatch()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(KEY, LONG), 0.05)
            assert watch.took() < 0.3
        cluster.heal()
        await goes_on(client)

    on_loop(cluster, body)


def test_gather_of_failing_and_working_calls(cluster):
    async def body(client):
        calls = [
            client.get(KEY),
            client.get(("test", "loops", "missing")),
            client.get(("nowhere", "loops", 1)),
            client.batch_read([KEY]),
        ]
        found, missing, nowhere, batch = await asyncio.gather(*calls, return_exceptions=True)
        assert found.bins == {"a": 1}
        assert isinstance(missing, exception.RecordNotFound)
        assert isinstance(nowhere, exception.ServerError)
        assert batch.to_list() == [{"a": 1}]

    on_loop(cluster, body)


def test_gather_collects_calls_that_were_cancelled(cluster):
    async def body(client):
        calls = [client.get(KEY, LONG) for _ in range(4)]
        assert calls[0].cancel()
        assert calls[2].cancel("enough")
        results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
        assert [type(each) for each in results[::2]] == [asyncio.CancelledError] * 2
        assert str(results[2]) == "enough"
        assert [each.bins for each in results[1::2]] == [{"a": 1}] * 2

    on_loop(cluster, body)


def test_close_during_calls_fails_them_all_at_once(cluster):
    async def body(client):
        cluster.arm(hostile.silent)
        tasks = [asyncio.create_task(wrapped(client.get(key, LONG))) for key in KEYS]
        tasks += [asyncio.create_task(wrapped(client.batch_read(KEYS, policy=LONG))) for _ in range(5)]
        await asyncio.sleep(0.05)
        watch = Stopwatch()
        await client.close()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert watch.took() < 1.0
        assert {type(each) for each in ended} == {exception.ClientError}, ended
        with pytest.raises(exception.ClientError, match="not connected"):
            await client.get(KEY)
        cluster.heal()
        await client.connect()
        await goes_on(client)

    on_loop(cluster, body)


def test_sync_close_during_calls_fails_them_all_at_once(cluster):
    client = aerospike_py.client({"hosts": cluster.hosts}).connect()
    client.put(KEY, {"a": 1})
    cluster.arm(hostile.silent)
    ended = []

    def call(number):
        try:
            if number % 2:
                client.get(KEY, LONG)
            else:
                client.batch_read(KEYS, policy=LONG)
        except exception.AerospikeError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    watch = Stopwatch()
    client.close()
    for thread in threads:
        thread.join(10)
    assert watch.took() < 2.0
    assert ended == [exception.ClientError] * 8
    cluster.heal()
    client.connect()
    assert client.get(KEY).bins == {"a": 1}
    client.close()


def test_loop_closed_before_its_client(cluster):
    for _ in range(5):
        client = aerospike_py.async_client({"hosts": cluster.hosts})
        loop = asyncio.new_event_loop()
        loop.run_until_complete(wrapped(client.connect()))
        loop.run_until_complete(wrapped(client.put(KEY, {"a": 1})))
        loop.close()
        # The same client on another loop.
        asyncio.run(goes_on(client))
        asyncio.run(wrapped_close(client))


async def wrapped_close(client):
    await client.close()


def test_loop_closed_with_calls_under_way(cluster):
    client = aerospike_py.async_client({"hosts": cluster.hosts})
    loop = asyncio.new_event_loop()
    loop.run_until_complete(wrapped(client.connect()))
    cluster.arm(hostile.silent)

    async def start():
        return [client.get(KEY, LONG) for _ in range(10)]

    calls = loop.run_until_complete(start())
    loop.close()
    cluster.heal()
    for call in calls:
        call.close()
    del calls, call
    asyncio.run(goes_on(client))
    asyncio.run(wrapped_close(client))


@contextlib.contextmanager
def unclosed_clients():
    """The warnings about asyncio clients that were dropped unclosed; what else the process lets go is not counted."""
    told = []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield told
    told += [each for each in seen if issubclass(each.category, ResourceWarning) and "AsyncClient" in str(each.message)]


def test_client_that_is_dropped_on_a_running_loop_leaves_nothing(cluster):
    async def main():
        for _ in range(5):
            client = aerospike_py.async_client({"hosts": cluster.hosts, "timeout": 20_000})
            await client.connect()
            await client.put(KEY, {"a": 1}, policy=LONG)
            del client
            gc.collect()

    with unclosed_clients() as told:
        asyncio.run(main())
    assert len(told) == 5
    assert all(str(each.message).startswith("unclosed") for each in told)


def test_dropped_client_is_not_kept_by_the_thread_that_connected_it(cluster):
    wound_up = threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        handing_over = loop.call_soon_threadsafe

        def slowly(*args, **kwargs):
            handle = handing_over(*args, **kwargs)
            wound_up.wait(20)
            return handle

        loop.call_soon_threadsafe = slowly
        client = aerospike_py.async_client({"hosts": cluster.hosts, "timeout": 20_000})
        await client.connect()
        del client
        gc.collect()

    try:
        with unclosed_clients() as told:
            asyncio.run(main())
    finally:
        wound_up.set()
    assert len(told) == 1


def test_call_that_is_never_awaited_does_no_harm(cluster):
    async def body(client):
        for _ in range(50):
            client.get(KEY).close()
        await goes_on(client)

    on_loop(cluster, body)


def test_connect_while_connecting_and_close_while_connecting(server, leak_check):
    async def main():
        with hostile.Proxy(server.hosts[0]) as slow:
            slow.info_fault = hostile.delayed(0.2)
            slow.rewritten = {f"127.0.0.1:{server.hosts[0][1]}".encode(): f"127.0.0.1:{slow.address[1]}".encode()}
            client = aerospike_py.async_client({"hosts": slow.hosts, "timeout": 5000})
            calls = [asyncio.create_task(wrapped(client.connect())) for _ in range(5)]
            await asyncio.sleep(0.05)
            with pytest.raises(exception.ClientError, match="currently connecting"):
                await client.close()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert sorted(type(each).__name__ for each in ended) == ["AsyncClient"] + ["ClientError"] * 4
            slow.heal()
            await client.close()

    asyncio.run(main())


def test_several_loops_in_several_threads(cluster):
    failures = []

    def run_loop(number):
        async def body(client):
            for turn in range(20):
                key = ("test", "loops", f"{number}-{turn}")
                await client.put(key, {"n": number})
                records = await asyncio.gather(*(client.get(key) for _ in range(10)))
                assert all(each.bins == {"n": number} for each in records)

        try:
            on_loop(cluster, body)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run_loop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
