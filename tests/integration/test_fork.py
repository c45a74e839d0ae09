"""A client used in a forked child: it connects anew by itself, shares no socket with its parent and never hangs; and a
process that ends with calls under way ends cleanly."""

import pytest
from fixtures.program import run_program


def test_a_sync_client_reconnects_in_the_child_on_sockets_of_its_own(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})
        inherited = sockets_at_rest()

        def child():
            assert "a" in client.get(KEY).bins
            client.put(KEY, {"a": 2})
            assert sockets().isdisjoint(inherited), "an inherited socket is still open"
            client.close()

        for _ in range(3):
            assert in_child(child) == 0
        assert client.get(KEY).bins == {"a": 2}
        assert sockets() >= inherited
        client.close()
        """,
    )


def test_an_unconnected_client_connects_in_the_child(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS})

        def child():
            with client.connect():
                client.put(KEY, {"a": 1})
                assert client.get(KEY).bins == {"a": 1}

        assert in_child(child) == 0
        assert not client.is_connected()
        """,
    )


def test_a_child_may_make_a_client_of_its_own_beside_the_inherited_one(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})

        def child():
            with aerospike_py.client({"hosts": HOSTS}).connect() as own:
                assert own.get(KEY).bins == {"a": 1}

        assert in_child(child) == 0
        assert client.get(KEY).bins == {"a": 1}
        client.close()
        """,
    )


def test_a_child_of_a_child_reconnects_too(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})

        def grandchild():
            assert client.get(KEY).bins == {"a": 1}

        def child():
            assert client.get(KEY).bins == {"a": 1}
            assert in_child(grandchild) == 0
            assert client.get(KEY).bins == {"a": 1}

        assert in_child(child) == 0
        client.close()
        """,
    )


def test_a_fork_amid_calls_of_other_threads_leaves_parent_and_child_working(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"n": 0})
        stop = threading.Event()
        failures = []

        def work():
            try:
                while not stop.is_set():
                    client.get(KEY)
                    client.batch_read([KEY] * 20).to_list()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()

        def child():
            for _ in range(5):
                assert "n" in client.get(KEY).bins

        try:
            for _ in range(10):
                assert in_child(child) == 0
        finally:
            stop.set()
            for each in threads:
                each.join()
        assert failures == []
        client.close()
        """,
    )


def test_an_asyncio_client_serves_a_new_loop_in_the_child(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.async_client({"hosts": HOSTS})

        async def parent():
            await client.connect()
            await client.put(KEY, {"a": 1})
            await asyncio.gather(*[client.get(KEY) for _ in range(8)])

        loop = asyncio.new_event_loop()
        loop.run_until_complete(parent())

        async def read():
            records = await asyncio.gather(*[client.get(KEY) for _ in range(8)])
            assert all(each.bins == {"a": 1} for each in records)

        def child():
            asyncio.run(read())
            asyncio.run(client.close())

        assert in_child(child) == 0
        loop.run_until_complete(read())
        loop.run_until_complete(client.close())
        loop.close()
        """,
    )


def test_a_fork_amid_asyncio_calls_disturbs_nobody(hosts):
    run_program(
        hosts,
        """
        async def main():
            client = aerospike_py.async_client({"hosts": HOSTS})
            await client.connect()
            await client.put(KEY, {"a": 1})

            def child():
                asyncio._set_running_loop(None)
                async def read():
                    assert (await client.get(KEY)).bins == {"a": 1}
                asyncio.run(read())

            for _ in range(3):
                under_way = [client.get(KEY) for _ in range(16)]
                assert in_child(child) == 0
                for each in under_way:
                    assert (await each).bins == {"a": 1}
            await client.close()

        asyncio.run(main())
        """,
    )


def test_a_child_that_only_ends_disturbs_nobody(hosts):
    run_program(
        hosts,
        """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.put(KEY, {"a": 1})
        child = os.fork()
        if child == 0:
            sys.exit(0)  # runs what is registered for the end of the interpreter
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        for _ in range(20):
            assert client.get(KEY).bins == {"a": 1}
        client.close()
        """,
    )


@pytest.mark.parametrize("daemon", [True, False])
def test_a_program_that_ends_during_calls_ends_cleanly(hosts, daemon):
    done = run_program(
        hosts,
        f"""
        client = aerospike_py.client({{"hosts": HOSTS}}).connect()
        client.put(KEY, {{"a": 1}})
        began = threading.Event()

        def work():
            until = time.monotonic() + 1
            while time.monotonic() < until:
                client.get(KEY)
                began.set()

        for _ in range(4):
            threading.Thread(target=work, daemon={daemon}).start()
        assert began.wait(10)
        """,
    )
    assert "Fatal" not in done.stderr


def test_a_program_that_ends_with_an_asyncio_client_open_ends_cleanly(hosts):
    done = run_program(
        hosts,
        """
        async def main():
            global client, call
            client = aerospike_py.async_client({"hosts": HOSTS})
            await client.connect()
            await client.put(KEY, {"a": 1})
            call = client.get(KEY)

        asyncio.run(main())
        """,
    )
    assert "Fatal" not in done.stderr
