"""What only the asyncio client shows: its calls are futures and coroutines at once, start when made, and may be
gathered, cancelled and timed out; it runs on several loops."""

import asyncio
import contextvars
import gc
import inspect
import threading
import time

import pytest
import uvloop

import aerospike_py

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request):
    """Runs a coroutine on a new loop of either kind, and sees that the loop has no complaint."""

    def start(coroutine):
        complaints = []
        loop = LOOPS[request.param]()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        try:
            return loop.run_until_complete(asyncio.wait_for(coroutine, 60))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            gc.collect()
            assert complaints == []

    return start


@pytest.fixture
def connected(hosts):
    """An asynchronous context manager that gives a connected client."""

    class Connected:
        async def __aenter__(self):
            self.client = aerospike_py.async_client({"hosts": hosts})
            return await self.client.connect()

        async def __aexit__(self, *_):
            await self.client.close()

    return Connected


def test_a_call_is_awaitable_a_coroutine_and_future_like(run, connected, key):
    async def scenario():
        async with connected() as client:
            await client.put(key, {"a": 1})
            call = client.get(key)
            assert inspect.isawaitable(call)
            assert asyncio.isfuture(call)
            assert asyncio.iscoroutine(call)
            assert call.get_loop() is asyncio.get_running_loop()
            assert call.done() is False
            assert (await call).bins == {"a": 1}
            assert call.done() is True
            assert call.cancelled() is False
            assert call.result().bins == {"a": 1}
            assert call.exception() is None

    run(scenario())


def test_a_finished_call_may_be_awaited_again(run, connected, key):
    async def scenario():
        async with connected() as client:
            await client.put(key, {"a": 1})
            call = client.get(key)
            assert (await call) is (await call)

    run(scenario())


def test_a_call_starts_when_it_is_made(run, connected, key):
    async def scenario():
        async with connected() as client:
            call = client.put(key, {"a": 1})
            deadline = time.monotonic() + 10
            while not call.done() and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
            assert call.done()
            assert await call is None

    run(scenario())


def test_a_call_made_without_a_loop_starts_when_awaited(hosts, key):
    async def connect():
        return await aerospike_py.async_client({"hosts": hosts}).connect()

    async def scenario():
        client = await connect()
        await client.put(key, {"a": 1})
        found = await asyncio.to_thread(lambda: client.get(key))  # no loop runs in that thread
        assert found.bins == {"a": 1}
        await client.close()

    async def awaited_elsewhere():
        client = await connect()
        await client.put(key, {"a": 2})
        call = await asyncio.to_thread(client.get, key)
        assert (await call).bins == {"a": 2}
        await client.close()

    asyncio.run(awaited_elsewhere())


@pytest.mark.parametrize("count", [1, 2, 9, 100])
def test_gathered_calls_give_each_its_own_result(run, connected, new_key, count):
    async def scenario():
        async with connected() as client:
            keys = [new_key() for _ in range(count)]
            await asyncio.gather(*(client.put(key, {"n": number}) for number, key in enumerate(keys)))
            records = await asyncio.gather(*(client.get(key) for key in keys))
            assert [record.bins["n"] for record in records] == list(range(count))
            assert [record.key.user_key for record in records] == [key[2] for key in keys]

    run(scenario())


def test_gathered_batches_give_each_its_own_records(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            groups = [[new_key(f"gather{number}") for _ in range(200)] for number in range(9)]
            for number, group in enumerate(groups):
                await client.batch_write([(key, {"g": number, "n": n}) for n, key in enumerate(group)])
            results = await asyncio.gather(*(client.batch_read(group) for group in groups))
            for number, (group, result) in enumerate(zip(groups, results, strict=True)):
                assert result.to_list() == [{"g": number, "n": n} for n in range(200)]
                assert result.all_user_keys() == [key[2] for key in group]

    run(scenario())


def test_reads_that_fail_and_reads_that_succeed_do_not_mix(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            keys = [new_key() for _ in range(60)]
            await asyncio.gather(*(client.put(key, {"n": n}) for n, key in enumerate(keys) if n % 3))
            outcomes = await asyncio.gather(*(client.get(key) for key in keys), return_exceptions=True)
            for number, outcome in enumerate(outcomes):
                if number % 3:
                    assert outcome.bins == {"n": number}
                else:
                    assert type(outcome) is aerospike_py.RecordNotFound

    run(scenario())


def test_every_way_of_waiting_works(run, connected, key):
    async def scenario():
        async with connected() as client:
            await client.put(key, {"a": 1})
            assert (await asyncio.create_task(client.get(key))).bins == {"a": 1}
            assert (await asyncio.wait_for(client.get(key), 10)).bins == {"a": 1}
            assert (await asyncio.shield(client.get(key))).bins == {"a": 1}
            assert (await asyncio.ensure_future(client.get(key))).bins == {"a": 1}
            seen = [(await first).bins for first in asyncio.as_completed([client.get(key), client.get(key)])]
            assert seen == [{"a": 1}] * 2
            done, pending = await asyncio.wait({asyncio.create_task(client.get(key)) for _ in range(3)})
            assert (len(done), len(pending)) == (3, 0)

    run(scenario())


def test_done_callbacks_are_called_with_the_call_and_may_be_removed(run, connected, key):
    async def scenario():
        async with connected() as client:
            seen = []
            kept, removed = seen.append, lambda _: seen.append("removed")
            call = client.exists(key)
            call.add_done_callback(kept)
            call.add_done_callback(removed)
            assert call.remove_done_callback(removed) == 1
            await call
            await asyncio.sleep(0)
            assert seen == [call]
            call.add_done_callback(lambda _: seen.append("late"))
            await asyncio.sleep(0.01)
            assert seen == [call, "late"]

    run(scenario())


def test_context_variables_and_the_current_task_survive_a_call(run, connected, key):
    variable = contextvars.ContextVar("variable", default="unset")

    async def one(client, number):
        variable.set(number)
        task = asyncio.current_task()
        for _ in range(5):
            await client.exists(key)
            assert variable.get() == number
            assert asyncio.current_task() is task

    async def scenario():
        async with connected() as client:
            await asyncio.gather(*(one(client, number) for number in range(20)))
            assert variable.get() == "unset"

    run(scenario())


def test_a_woken_task_may_call_again_at_once(run, connected, new_key):
    async def chain(client, key):
        for number in range(20):
            await client.put(key, {"n": number})
            assert (await client.get(key)).bins == {"n": number}

    async def scenario():
        async with connected() as client:
            await asyncio.gather(*(chain(client, new_key()) for _ in range(30)))

    run(scenario())


# ---- cancelling -----------------------------------------------------------------------------------------------------


def test_a_cancelled_call_ends_at_once_and_the_client_goes_on(run, connected, key):
    async def scenario():
        async with connected() as client:
            await client.put(key, {"a": 1})
            for _ in range(50):
                call = client.get(key)
                assert call.cancel() is True
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert call.cancelled() is True
                assert call.cancel() is False
                assert (await client.get(key)).bins == {"a": 1}

    run(scenario())


def test_a_cancelled_task_lets_its_neighbours_finish(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            keys = [new_key() for _ in range(40)]
            await client.batch_write([(key, {"n": number}) for number, key in enumerate(keys)])
            tasks = [asyncio.create_task(client.get(key)) for key in keys]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [outcome.bins["n"] for outcome in outcomes[1::2]] == list(range(1, 40, 2))
            assert all(isinstance(outcome, (asyncio.CancelledError, aerospike_py.Record)) for outcome in outcomes[::2])

    run(scenario())


def test_a_timeout_around_a_call_cancels_it(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            keys = [new_key() for _ in range(5000)]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.batch_read(keys), 0)
            assert await client.ping() is True

    run(scenario())


def test_calls_that_nobody_awaits_do_no_harm(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            for _ in range(100):
                client.exists(new_key())
            await asyncio.sleep(0.3)  # a call that fails because the client closes would be complained of, rightly
            assert await client.ping() is True

    run(scenario())


def test_closing_ends_calls_under_way(run, connected, new_key):
    async def scenario():
        async with connected() as client:
            calls = [asyncio.ensure_future(client.exists(new_key())) for _ in range(50)]
            await client.close()
            outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 10)
            for outcome in outcomes:
                assert isinstance(outcome, (aerospike_py.ExistsResult, aerospike_py.AerospikeError))

    run(scenario())


# ---- loops ----------------------------------------------------------------------------------------------------------


def test_loops_in_several_threads_have_a_client_each(hosts, new_key):
    failures = []

    async def work(prefix):
        async with aerospike_py.async_client({"hosts": hosts}) as client:
            await client.connect()
            keys = [new_key(f"loop{prefix}") for _ in range(50)]
            for _ in range(5):
                await asyncio.gather(*(client.put(key, {"p": prefix}) for key in keys))
                records = await asyncio.gather(*(client.get(key) for key in keys))
                assert all(record.bins == {"p": prefix} for record in records)

    def thread(prefix):
        try:
            asyncio.run(work(prefix))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=thread, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert failures == []


def test_one_client_serves_loops_one_after_the_other(hosts, key):
    client = aerospike_py.async_client({"hosts": hosts})

    async def connect():
        await client.connect()

    async def use(number):
        await client.put(key, {"n": number})
        assert (await client.get(key)).bins == {"n": number}

    asyncio.run(connect())
    for number in range(3):
        asyncio.run(use(number))
    asyncio.run(client_closed(client))
    assert client.is_connected() is False


async def client_closed(client):
    await client.close()


def test_a_loop_closed_before_the_client_does_no_harm(hosts, key):
    loop = asyncio.new_event_loop()

    async def use():
        client = aerospike_py.async_client({"hosts": hosts})
        await client.connect()
        await client.put(key, {"a": 1})
        return client

    client = loop.run_until_complete(use())
    loop.close()
    with pytest.warns(ResourceWarning, match="unclosed"):
        del client
        gc.collect()

    async def again():
        fresh = await use()
        assert (await fresh.get(key)).bins == {"a": 1}
        await fresh.close()

    asyncio.run(again())


def test_both_clients_have_the_same_methods():
    def public(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(aerospike_py.Client) == public(aerospike_py.AsyncClient)
