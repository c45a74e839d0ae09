"""A client used in a forked child: it connects anew by itself, shares no socket with its parent and never hangs; and a
process that ends with calls under way ends cleanly."""

import subprocess
import sys
import textwrap

import pytest

SECONDS = 40

PRELUDE = """
import asyncio, os, sys, threading, time, traceback, warnings
warnings.simplefilter("ignore")
import aerospike_py

HOSTS = eval(sys.argv[1])
KEY = ("test", "fork", f"forked-{os.getpid()}")

def in_child(work):
    "Run `work` in a forked child; give its exit status, or fail when it hangs."
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")

def sockets():
    "Inodes of the TCP connections to the cluster that this process holds."
    held = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:"):
            held.add(target)
    return held

def sockets_at_rest():
    "The same once discovery has closed what it tried nodes with."
    seen, since = sockets(), time.monotonic()
    while time.monotonic() - since < 0.3:
        time.sleep(0.02)
        now = sockets()
        if now != seen:
            seen, since = now, time.monotonic()
    return seen
"""


def run_program(hosts, text, expected_status=0):
    """Run a program of its own, so that this process is never forked."""
    program = PRELUDE + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program, repr(hosts)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == expected_status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


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
