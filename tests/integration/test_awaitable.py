"""The awaitable of AsyncClient as a future and as a coroutine, down to the corners that asyncio itself relies on."""

import asyncio
import collections.abc
import contextvars
import gc
import sys
import threading
import weakref

import pytest
import uvloop

import aerospike_py

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request, hosts):
    """Runs `scenario(client, key)` on a new loop of either kind; gives what the loop's exception handler was told."""

    def start(scenario, key=("test", "contract", "awaitable")):
        complaints = []

        async def with_client():
            client = aerospike_py.async_client({"hosts": hosts})
            await client.connect()
            try:
                await client.put(key, {"a": 1})
                await scenario(client, key)
            finally:
                await client.close()

        loop = LOOPS[request.param]()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        try:
            loop.run_until_complete(asyncio.wait_for(with_client(), 60))
            gc.collect()
        finally:
            loop.close()
        return complaints

    return start


def missing(key):
    return (key[0], key[1], "nobody wrote this")


# ---- future ----------------------------------------------------------------------------------------------------------


def test_a_call_answers_the_questions_of_a_future(run):
    async def scenario(client, key):
        call = client.get(key)
        loop = asyncio.get_running_loop()
        assert call.get_loop() is call._loop is loop
        assert not call.done()
        assert not call.cancelled()
        with pytest.raises(asyncio.InvalidStateError):
            call.result()
        with pytest.raises(asyncio.InvalidStateError):
            call.exception()
        assert (await call).bins == {"a": 1}
        assert call.done()
        assert call.result().bins == {"a": 1}
        assert call.exception() is None
        assert not call.cancel()
        assert not call.cancelled()

    assert run(scenario) == []


def test_a_failed_call_raises_the_same_error_each_time(run):
    async def scenario(client, key):
        call = client.get(missing(key))
        with pytest.raises(aerospike_py.RecordNotFound) as first:
            await call
        with pytest.raises(aerospike_py.RecordNotFound) as second:
            call.result()
        assert first.value is second.value is call.exception()

    assert run(scenario) == []


def test_errors_about_arguments_come_out_where_the_call_is_awaited(run):
    async def scenario(client, key):
        wrong = [client.get(("test", "s")), client.get(key, policy=5), client.put(key, {"x" * 16: 1})]
        kinds = [type(each) for each in await asyncio.gather(*wrong, return_exceptions=True)]
        assert kinds == [ValueError, TypeError, ValueError]
        with pytest.raises(TypeError, match=r"AsyncClient.get\(\) missing 1 required positional argument: 'key'"):
            client.get()
        with pytest.raises(TypeError, match="unexpected keyword argument 'kee'"):
            client.get(kee=key)
        with pytest.raises(TypeError, match="multiple values for argument 'key'"):
            client.get(key, key=key)
        with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments but 4 were given"):
            client.get(key, None, None)

    assert run(scenario) == []


def test_done_callbacks_run_in_their_context_once_and_in_order(run):
    variable = contextvars.ContextVar("variable", default="outside")

    async def scenario(client, key):
        seen = []
        context = contextvars.copy_context()
        context.run(variable.set, "given")
        variable.set("current")
        call = client.get(key)
        call.add_done_callback(lambda done: seen.append((variable.get(), done is call)))
        call.add_done_callback(lambda _: seen.append(variable.get()), context=context)
        removed = []
        call.add_done_callback(removed.append)
        call.add_done_callback(removed.append)
        assert call.remove_done_callback(removed.append) == 2
        assert call.remove_done_callback(removed.append) == 0
        await call
        await asyncio.sleep(0)
        assert seen == [("current", True), "given"]
        call.add_done_callback(seen.append)
        assert len(seen) == 2, "a late callback waits for the loop"
        await asyncio.sleep(0)
        assert seen[2] is call
        assert removed == []

    assert run(scenario) == []


def test_a_callback_that_fails_is_reported_and_disturbs_nobody(run):
    async def scenario(client, key):
        def fail(_):
            raise LookupError("of a callback")

        calls = [client.get(key) for _ in range(3)]
        for each in calls:
            each.add_done_callback(fail)
        for each in await asyncio.gather(*calls):
            assert each.bins == {"a": 1}

    assert [type(each["exception"]) for each in run(scenario)] == [LookupError] * 3


def test_an_error_that_nobody_looked_at_is_reported_as_a_futures(run):
    async def scenario(client, key):
        call = client.get(missing(key))
        while not call.done():
            await asyncio.sleep(0.001)
        del call

    (complaint,) = run(scenario)
    assert isinstance(complaint["exception"], aerospike_py.RecordNotFound)
    assert complaint["message"] == "AsyncClient.get exception was never retrieved"


def test_a_call_that_is_over_is_part_of_no_cycle(run):
    gone = []

    async def scenario(client, key):
        call = client.get(key)
        await call
        gone.append(weakref.ref(call))
        gc.disable()
        try:
            del call
            await asyncio.sleep(0)  # what woke us holds the call until this step ends, as it does with a future
            assert gone[0]() is None, "freed by counting alone"
        finally:
            gc.enable()

    assert run(scenario) == []


def test_a_call_in_a_cycle_is_collected(run):
    async def scenario(client, key):
        call = client.get(key)
        call.add_done_callback(lambda _, itself=call: itself)
        seen = weakref.ref(call)
        await call
        del call
        await asyncio.sleep(0)
        gc.collect()
        assert seen() is None

    assert run(scenario) == []


# ---- coroutine -------------------------------------------------------------------------------------------------------


def test_a_call_is_a_coroutine_to_every_judge(run):
    async def scenario(client, key):
        call = client.get(key)
        assert isinstance(call, collections.abc.Coroutine)
        assert isinstance(call, collections.abc.Awaitable)
        assert asyncio.iscoroutine(call)
        assert call.__name__ == "get"
        assert call.__qualname__ == "AsyncClient.get"
        assert repr(call) == "<Call AsyncClient.get pending>"
        await call
        assert repr(call) == "<Call AsyncClient.get finished>"

    assert run(scenario) == []


def test_send_yields_the_call_until_it_is_over(run):
    async def scenario(client, key):
        call = client.get(key)
        assert call.send(None) is call
        assert call._asyncio_future_blocking is True
        call._asyncio_future_blocking = False
        while not call.done():
            await asyncio.sleep(0.001)
        with pytest.raises(StopIteration) as stop:
            call.send(None)
        assert stop.value.value.bins == {"a": 1}

    assert run(scenario) == []


def test_a_result_that_is_a_tuple_or_none_comes_out_whole(run):
    async def scenario(client, key):
        assert await client.put(key, {"a": 1}) is None

        def by_hand(call):
            return (yield from call.__await__())

        class Wrapped:
            def __init__(self, call):
                self.call = call

            def __await__(self):
                return by_hand(self.call)

        record = await Wrapped(client.get(key))
        assert type(record) is aerospike_py.Record
        assert await Wrapped(client.put(key, {"a": 1})) is None

    assert run(scenario) == []


def test_throw_and_close_give_the_call_up(run):
    async def scenario(client, key):
        thrown = client.get(key)
        with pytest.raises(LookupError):
            thrown.throw(LookupError("mine"))
        assert thrown.cancelled()
        closed = client.get(key)
        closed.close()
        assert closed.cancelled()
        with pytest.raises(asyncio.CancelledError):
            await closed
        typed = client.get(key)
        with pytest.raises(KeyError):
            typed.throw(KeyError, KeyError("k"), None)
        untouched = client.get(key)
        with pytest.raises(TypeError):
            untouched.throw(5)
        assert (await untouched).bins == {"a": 1}
        assert (await client.get(key)).bins == {"a": 1}

    assert run(scenario) == []


def test_two_tasks_may_await_one_call(run):
    async def scenario(client, key):
        call = client.get(key)

        async def wait():
            return await call

        first, second = await asyncio.gather(asyncio.create_task(wait()), asyncio.create_task(wait()))
        assert first is second

    assert run(scenario) == []


# ---- late starts -----------------------------------------------------------------------------------------------------


def test_a_call_made_on_another_thread_starts_on_the_loop(run):
    async def scenario(client, key):
        loop = asyncio.get_running_loop()
        seen = []

        def elsewhere():
            call = client.get(key)
            assert call._asyncio_future_blocking is None, "not a future before it belongs to a loop"
            with pytest.raises(RuntimeError):
                call.get_loop()
            seen.append(asyncio.run_coroutine_threadsafe(call, loop).result(30))

        await asyncio.to_thread(elsewhere)
        assert seen[0].bins == {"a": 1}

    assert run(scenario) == []


def test_a_call_made_without_a_loop_may_be_cancelled_or_forgotten(hosts):
    client = aerospike_py.async_client({"hosts": hosts})
    call = client.get(("test", "s", 1))
    assert repr(call) == "<Call AsyncClient.get not started>"
    assert call.cancel()
    assert call.cancelled()
    with pytest.raises(RuntimeError, match="running event loop"):
        client.get(("test", "s", 1)).send(None)
    with pytest.warns(RuntimeWarning, match=r"coroutine 'AsyncClient.get' was never awaited"):
        client.get(("test", "s", 1))
        gc.collect()


def test_a_call_made_without_a_loop_keeps_its_arguments(hosts):
    client = aerospike_py.async_client({"hosts": hosts})
    key = ("test", "contract", "late")
    put, get = client.put(key, {"a": 1}), client.get(key, policy={"total_timeout": 5000})
    calls = [client.connect(), put, get, client.close()]
    with asyncio.Runner() if sys.version_info >= (3, 11) else _Runner() as runner:
        results = [runner.run(each) for each in calls]
    assert results[0] is client
    assert results[2].bins == {"a": 1}


class _Runner:
    """What asyncio.Runner is from Python 3.11 on."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        return self

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def __exit__(self, *_):
        self.loop.close()


# ---- the ways of asyncio ---------------------------------------------------------------------------------------------


def test_gather_needs_no_tasks_around_calls(run):
    async def scenario(client, key):
        before = len(asyncio.all_tasks())
        calls = [client.get(key) for _ in range(10)]
        gathered = asyncio.gather(*calls, client.get(missing(key)), return_exceptions=True)
        assert len(asyncio.all_tasks()) == before
        results = await gathered
        assert [type(each) for each in results] == [aerospike_py.Record] * 10 + [aerospike_py.RecordNotFound]

    assert run(scenario) == []


def test_gather_cancels_its_calls(run):
    async def scenario(client, key):
        calls = [client.get(key) for _ in range(5)]
        gathered = asyncio.gather(*calls)
        gathered.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathered
        assert all(each.cancelled() for each in calls)

    assert run(scenario) == []


def test_shield_lets_the_call_go_on(run):
    async def scenario(client, key):
        call = client.get(key)
        shielded = asyncio.shield(call)
        shielded.cancel()
        with pytest.raises(asyncio.CancelledError):
            await shielded
        assert (await call).bins == {"a": 1}

    assert run(scenario) == []


def test_cancelling_a_task_cancels_the_call_it_waits_for(run):
    async def scenario(client, key):
        calls = []

        async def wait():
            calls.append(client.get(key))
            await calls[0]

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel("because")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert calls[0].cancelled()
        assert task.cancelled()

    assert run(scenario) == []


def test_a_task_cancelled_before_its_first_step_lets_the_call_go(run):
    async def scenario(client, key):
        call = client.get(key)
        task = asyncio.create_task(call)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert call.cancelled()

    assert run(scenario) == []


def test_a_cancel_message_is_kept(run):
    async def scenario(client, key):
        call = client.get(key)
        assert call.cancel(msg="enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await call
        assert str(call._make_cancelled_error()) == "enough"

    assert run(scenario) == []


@pytest.mark.parametrize("kind", ["plain", "eager"] if sys.version_info >= (3, 12) else ["plain"])
def test_tasks_of_either_kind_run_calls(run, kind):
    async def scenario(client, key):
        if kind == "eager":
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        tasks = [asyncio.create_task(client.get(key)) for _ in range(5)]
        for each in asyncio.as_completed(tasks):
            assert (await each).bins == {"a": 1}

    assert run(scenario) == []


def test_a_keyboard_interrupt_in_a_woken_task_leaves_the_loop(hosts):
    key = ("test", "contract", "interrupted")
    client = aerospike_py.async_client({"hosts": hosts})

    async def interrupt():
        await client.get(key)
        raise KeyboardInterrupt

    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.connect())
    loop.run_until_complete(client.put(key, {"a": 1}))
    task = loop.create_task(interrupt())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    assert loop.run_until_complete(client.get(key)).bins == {"a": 1}
    loop.run_until_complete(client.close())
    loop.close()
    with pytest.raises(KeyboardInterrupt):
        task.result()


def test_context_variables_of_a_caller_are_not_kept_by_the_client(run):
    class Request:
        pass

    variable = contextvars.ContextVar("request")

    async def scenario(client, key):
        async def serve():
            request = Request()
            variable.set(request)
            await asyncio.gather(*[client.get(key) for _ in range(3)])
            return weakref.ref(request)

        seen = await asyncio.create_task(serve())
        await asyncio.sleep(0)
        gc.collect()
        assert seen() is None

    assert run(scenario) == []


def test_loops_in_threads_share_a_client(hosts):
    key = ("test", "contract", "threads")
    client = aerospike_py.async_client({"hosts": hosts})
    asyncio.run(client.connect())
    asyncio.run(client.put(key, {"a": 1}))
    failures = []
    barrier = threading.Barrier(4)

    async def read():
        for _ in range(50):
            for record in await asyncio.gather(*[client.get(key) for _ in range(4)]):
                assert record.bins == {"a": 1}

    def work():
        try:
            barrier.wait(10)
            asyncio.run(read())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    asyncio.run(client.close())
    assert failures == []
