"""Connecting and closing: the states of a client and what each call says in them."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from fixtures.faces import make_face

import aerospike_py

KEY = ("test", "contract", "never written")
OPERATIONS = {
    "put": (KEY, {"a": 1}),
    "get": (KEY,),
    "select": (KEY, ["a"]),
    "exists": (KEY,),
    "remove": (KEY,),
    "touch": (KEY,),
    "append": (KEY, "a", "x"),
    "prepend": (KEY, "a", "x"),
    "increment": (KEY, "a", 1),
    "remove_bin": (KEY, ["a"]),
    "operate": (KEY, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
    "operate_ordered": (KEY, [{"op": aerospike_py.OPERATOR_READ, "bin": "a"}]),
    "batch_read": ([],),
    "batch_read_many": ([[KEY]],),
    "batch_read_ordered": ([KEY],),
    "batch_write": ([],),
    "batch_remove": ([],),
    "info_all": ("build",),
    "info_random_node": ("build",),
    "truncate": ("test", "contract"),
    "admin_create_user": ("ada", "x", []),
    "admin_query_roles": (),
}


def open_descriptors():
    """How many file descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def closed_port():
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("method", OPERATIONS)
def test_an_operation_before_connecting_is_a_client_error(unconnected, method):
    with pytest.raises(aerospike_py.ClientError, match="not connected") as caught:
        getattr(unconnected, method)(*OPERATIONS[method])
    assert caught.value.result_code == -1
    assert "connect()" in str(caught.value)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_operation_after_closing_is_a_client_error(new_face, kind):
    face = new_face(kind)
    face.connect()
    face.close()
    for method, arguments in OPERATIONS.items():
        with pytest.raises(aerospike_py.ClientError, match="not connected"):
            getattr(face, method)(*arguments)


def test_an_unconnected_client_knows_no_nodes_and_pings_nobody(unconnected):
    assert unconnected.is_connected() is False
    assert unconnected.ping() is False
    with pytest.raises(aerospike_py.ClientError, match="not connected"):
        unconnected.get_node_names()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_connect_returns_the_client_and_close_ends_it(new_face, kind):
    face = new_face(kind)
    assert face.connect() is face.client
    assert face.is_connected() is True
    assert face.ping() is True
    names = face.get_node_names()
    assert names
    assert all(isinstance(name, str) and name for name in names)
    assert len(set(names)) == len(names)
    assert face.close() is None
    assert face.is_connected() is False
    assert face.ping() is False


def test_every_node_of_the_cluster_is_known(face):
    assert sorted(face.get_node_names()) == sorted(node.node_name for node in face.info_all("node"))


def test_a_second_connect_is_a_client_error(face):
    with pytest.raises(aerospike_py.ClientError, match="already connected"):
        face.connect()
    assert face.ping() is True


def test_close_may_be_repeated_and_come_first(unconnected):
    assert unconnected.close() is None
    assert unconnected.close() is None


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_closed_client_may_connect_again(new_face, key, kind):
    face = new_face(kind)
    for number in range(3):
        face.connect()
        face.put(key, {"n": number})
        assert face.get(key).bins == {"n": number}
        face.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failed_connect_may_be_repeated(new_face, closed_port, kind):
    face = new_face(kind, hosts=[("127.0.0.1", closed_port)], timeout=500)
    for _ in range(2):
        with pytest.raises(aerospike_py.ClusterError, match=str(closed_port)):
            face.connect()
        assert face.is_connected() is False


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_one_good_seed_is_enough(new_face, hosts, closed_port, kind):
    face = new_face(kind, hosts=[("127.0.0.1", closed_port), *hosts])
    face.connect()
    assert face.ping() is True


@pytest.mark.parametrize("spell", [
    lambda host, port: (host, port),
    lambda host, port: f"{host}:{port}",
    lambda host, port: [host, port],
])  # fmt: skip
def test_hosts_may_be_spelled_in_several_ways(new_face, hosts, spell):
    face = new_face("sync", hosts=[spell(*host) for host in hosts])
    face.connect()
    assert face.ping() is True


@pytest.mark.parametrize("text", ["127.0.0.1:port", "127.0.0.1:70000", "127.0.0.1:-1"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_bad_port_is_said_at_connect(new_face, kind, text):
    face = new_face(kind, hosts=[text])
    with pytest.raises(ValueError, match="Invalid port"):
        face.connect()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_no_hosts_fail_at_connect_only(new_face, kind):
    face = new_face(kind, hosts=[])
    with pytest.raises((aerospike_py.AerospikeError, ValueError)):
        face.connect()


@pytest.mark.parametrize("config", [None, [], "127.0.0.1", {}, {"hosts": None}, {"hosts": 5}])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_config_without_hosts_is_refused_at_the_latest_when_connecting(kind, config):
    made = []

    def make_and_connect():
        made.append(make_face(kind, config))
        made[0].connect()

    with pytest.raises((TypeError, ValueError, KeyError, aerospike_py.AerospikeError)):
        make_and_connect()
    for each in made:
        each.dispose()


@pytest.mark.parametrize("name", ["timeout", "max_conns_per_node", "tend_interval", "max_concurrent_operations"])
def test_a_config_value_of_the_wrong_type_is_a_type_error(hosts, name):
    with pytest.raises(TypeError):
        aerospike_py.client({"hosts": hosts, name: "many"})


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_username_wants_a_password(new_face, kind):
    with pytest.raises(aerospike_py.ClientError, match=r"(?i)password"):
        new_face(kind).connect("somebody")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_another_cluster_name_is_refused(new_face, kind):
    face = new_face(kind, cluster_name="no such cluster", timeout=1000)
    with pytest.raises(aerospike_py.ClusterError, match=r"(?i)cluster"):
        face.connect()
    assert face.is_connected() is False


@pytest.mark.parametrize("name", [None, ""])
def test_no_cluster_name_accepts_any(new_face, name):
    face = new_face("sync", cluster_name=name)
    face.connect()
    assert face.ping() is True


# ---- with -----------------------------------------------------------------------------------------------------------


def test_with_closes_and_lets_exceptions_through(hosts):
    client = aerospike_py.client({"hosts": hosts})

    def fail_inside():
        with client as entered:
            assert entered is client
            assert client.is_connected() is False
            client.connect()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert client.is_connected() is False


def test_async_with_closes_and_lets_exceptions_through(hosts):
    async def scenario():
        async with client as entered:
            assert entered is client
            assert client.is_connected() is False
            await client.connect()
            raise ZeroDivisionError

    client = aerospike_py.async_client({"hosts": hosts})
    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())
    assert client.is_connected() is False


# ---- at the same time -----------------------------------------------------------------------------------------------


def test_of_several_threads_that_connect_one_wins(hosts):
    client = aerospike_py.client({"hosts": hosts})
    outcomes, start = [], threading.Barrier(8)

    def connect():
        start.wait(10)
        try:
            client.connect()
            outcomes.append("won")
        except aerospike_py.ClientError:
            outcomes.append("refused")

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused"] * 7 + ["won"]
    assert client.ping() is True
    client.close()


def test_of_several_tasks_that_connect_one_wins(hosts):
    async def scenario():
        client = aerospike_py.async_client({"hosts": hosts})
        outcomes = await asyncio.gather(*(client.connect() for _ in range(8)), return_exceptions=True)
        assert sum(outcome is client for outcome in outcomes) == 1
        assert sum(isinstance(outcome, aerospike_py.ClientError) for outcome in outcomes) == 7
        assert await client.ping() is True
        await client.close()

    asyncio.run(scenario())


def test_closing_while_connecting_is_a_client_error():
    """A seed that accepts and never answers keeps the client connecting for as long as the test needs."""

    async def scenario(port):
        client = aerospike_py.async_client({"hosts": [("127.0.0.1", port)], "timeout": 2000})
        connecting = asyncio.ensure_future(client.connect())
        await asyncio.sleep(0.1)
        with pytest.raises(aerospike_py.ClientError, match="currently connecting"):
            await client.close()
        with pytest.raises(aerospike_py.AerospikeError):
            await connecting
        await client.close()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(scenario(silent.getsockname()[1]))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_connecting_and_closing_leaks_no_descriptors(new_face, key, kind):
    face = new_face(kind)

    def cycle():
        face.connect()
        face.put(key, {"a": 1})
        face.close()

    cycle()
    before = open_descriptors()
    for _ in range(25):
        cycle()
    assert open_descriptors() - before <= 8


def test_a_client_dropped_without_close_gives_its_descriptors_back(hosts, key):
    def connect_and_drop():
        with pytest.warns(ResourceWarning, match="unclosed"):
            aerospike_py.client({"hosts": hosts}).connect().put(key, {"a": 1})

    connect_and_drop()
    before = open_descriptors()
    for _ in range(10):
        connect_and_drop()
    assert open_descriptors() - before <= 8


def test_a_half_initialised_client_says_what_it_lacks():
    sync, loop_bound = (kind.__new__(kind) for kind in (aerospike_py.Client, aerospike_py.AsyncClient))

    async def call():
        await loop_bound.get(KEY)

    with pytest.raises((AttributeError, aerospike_py.ClientError)):
        sync.get(KEY)
    with pytest.raises((AttributeError, aerospike_py.ClientError)):
        asyncio.run(call())
    assert not hasattr(sync, "no_such_method")
    assert not hasattr(loop_bound, "no_such_method")
