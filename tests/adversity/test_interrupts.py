"""Ctrl-C while a synchronous call waits: it is seen within a tenth of a second, and the client goes on."""

import contextlib
import os
import signal
import threading
import time

import pytest
from fixtures import hostile
from fixtures.stopwatch import Stopwatch

import aerospike_py
from aerospike_py import exception

KEY = ("test", "interrupts", "k")
SEEN_WITHIN_S = 0.1
LONG = {"total_timeout": 20_000}
KEYS = [("test", "interrupts", i) for i in range(50)]


@pytest.fixture
def cluster(server, leak_check):
    """Proxies before three nodes."""
    with hostile.ProxiedCluster(server.hosts) as running:
        yield running


@contextlib.contextmanager
def interrupted():
    """A KeyboardInterrupt ends the body, soon after the signal came."""
    watches = []
    # A process started in the background may have been told to ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt():
        watches.append(Stopwatch())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
        took = watches[0].took()
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert took < SEEN_WITHIN_S


def test_connect_to_silent_seeds(server, leak_check):
    with hostile.Proxy(server.hosts[0]) as seed:
        seed.rewritten = {f"127.0.0.1:{server.hosts[0][1]}".encode(): f"127.0.0.1:{seed.address[1]}".encode()}
        seed.info_fault = hostile.silent
        client = aerospike_py.client({"hosts": seed.hosts, "timeout": 20_000})
        for _ in range(3):
            with interrupted():
                client.connect()
            assert not client.is_connected()
            with pytest.raises(exception.ClientError, match="not connected"):
                client.get(KEY)
        seed.heal()
        assert client.connect() is client
        client.put(KEY, {"a": 1}, policy=LONG)
        assert client.get(KEY, LONG).bins == {"a": 1}
        client.close()


def test_connect_to_an_address_that_does_not_answer(leak_check):
    with hostile.unreachable() as address:
        client = aerospike_py.client({"hosts": [address], "timeout": 20_000})
        with interrupted():
            client.connect()
        client.close()


def test_a_handler_that_does_not_raise_lets_the_connect_go_on(server, leak_check):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(time.monotonic()))
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with hostile.Proxy(server.hosts[0]) as seed:
            seed.rewritten = {f"127.0.0.1:{server.hosts[0][1]}".encode(): f"127.0.0.1:{seed.address[1]}".encode()}
            seed.info_fault = hostile.delayed(0.6)
            timer.start()
            with aerospike_py.client({"hosts": seed.hosts, "timeout": 20_000}).connect():
                connected = time.monotonic()
        assert len(seen) == 1
        assert seen[0] < connected
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get(KEY, LONG),
        lambda client: client.put(KEY, {"a": 1}, policy=LONG),
        lambda client: client.batch_read(KEYS, policy=LONG),
        lambda client: client.batch_write([(key, {"a": 1}) for key in KEYS], LONG),
    ],
    ids=["get", "put", "batch_read", "batch_write"],
)
def test_calls_to_silent_nodes(cluster, call):
    with aerospike_py.client({"hosts": cluster.hosts, "timeout": 20_000}).connect() as client:
        client.put(KEY, {"a": 1}, policy=LONG)
        cluster.arm(hostile.silent)
        with interrupted():
            call(client)
        cluster.heal()
        client.put(KEY, {"a": 2}, policy=LONG)
        assert client.get(KEY, LONG).bins == {"a": 2}


def test_info_to_silent_nodes(cluster):
    with aerospike_py.client({"hosts": cluster.hosts, "timeout": 20_000}).connect() as client:
        for proxy in cluster.proxies:
            proxy.info_fault = hostile.silent
        with interrupted():
            client.info_all("build", {"timeout": 20_000})


@pytest.mark.parametrize(
    "config", [{"max_concurrent_operations": 1}, {"max_conns_per_node": 1}], ids=["for a slot", "for a connection"]
)
def test_calls_that_wait_in_line(cluster, config):
    """One thread holds what there is one of, and a second waits in line before the one that Ctrl-C is for."""
    with aerospike_py.client({"hosts": cluster.hosts, "timeout": 20_000} | config).connect() as client:
        client.put(KEY, {"a": 1}, policy=LONG)
        cluster.arm(hostile.silent)

        def call():
            with contextlib.suppress(exception.AerospikeError):
                client.get(KEY, {"total_timeout": 20_000, "socket_timeout": 20_000, "max_retries": 0})

        threads = [threading.Thread(target=call) for _ in range(2)]
        for each in threads:
            each.start()
        time.sleep(0.2)
        with interrupted():
            client.get(KEY, LONG)
        cluster.heal()
        for proxy in cluster.proxies:
            proxy.drop_connections()  # ends the other two
        for each in threads:
            each.join(30)
        client.put(KEY, {"a": 2}, policy=LONG)
        assert client.get(KEY, LONG).bins == {"a": 2}


def test_close_while_nodes_are_silent_does_not_wait_for_them(cluster):
    client = aerospike_py.client({"hosts": cluster.hosts, "timeout": 20_000, "tend_interval": 100}).connect()
    for proxy in cluster.proxies:
        proxy.info_fault = hostile.silent
    time.sleep(0.3)  # the tend waits for answers
    watch = Stopwatch()
    client.close()
    assert watch.took() < SEEN_WITHIN_S
