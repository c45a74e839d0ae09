"""How many connections a client holds, counted by the embedded server."""

import asyncio
import threading
import time

import pytest
from fixtures.faces import KINDS, make_face

import aerospike_py

NODES = 2
KEYS = [("test", "connections", i) for i in range(40)]
LONG = {"total_timeout": 20_000}


@pytest.fixture
def own_server():
    """A server that nobody else is connected to."""
    from aerospike_py.testing import Server

    with Server(nodes=NODES) as server:
        yield server


@pytest.fixture
def counted(own_server):
    """Tells what each node counts, by node name, through one lasting connection to each."""
    with aerospike_py.client({"hosts": own_server.hosts, "timeout": 20_000}).connect() as probe:

        def read(name):
            counts = {}
            for answer in probe.info_all("statistics", {"timeout": 20_000}):
                if answer.error_code != 0:
                    continue  # of a node that is gone
                fields = dict(each.split("=", 1) for each in answer.response.split(";") if "=" in each)
                counts[answer.node_name] = int(fields[name])
            return counts

        # The probe's own: one of each node for tending, one for asking. What it tried its seeds with goes first.
        assert comes_true(lambda: set(read("client_connections").values()) == {2})
        yield read


def comes_true(condition, within_s=20):
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def extra(counted, before):
    """Open connections of each node beyond those there were before."""
    now = counted("client_connections")
    return [now[node] - count for node, count in before.items()]


class RunningFace:
    """An asyncio client whose loop runs all the time, in a thread of its own, as a service's would."""

    def __init__(self, config):
        self.client = aerospike_py.async_client(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def __getattr__(self, name):
        def call(*args, **kwargs):
            async def started():
                return await getattr(self.client, name)(*args, **kwargs)

            return asyncio.run_coroutine_threadsafe(started(), self._loop).result(30)

        return call

    def dispose(self):
        try:
            self.close()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


@pytest.fixture
def running_face(own_server):
    made = []

    def make(kind, **config):
        config = {"hosts": own_server.hosts, "timeout": 20_000, "tend_interval": 200} | config
        made.append(make_face(kind, config) if kind == "sync" else RunningFace(config))
        return made[-1]

    yield make
    for each in made:
        each.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_is_open_after_connect_and_calls_use_it(own_server, counted, running_face, kind):
    before = counted("client_connections")
    face = running_face(kind, min_conns_per_node=5)
    face.connect()
    # One more of each is for tending.
    assert comes_true(lambda: extra(counted, before) == [6] * NODES), extra(counted, before)
    opened = counted("client_connections_opened")
    for key in KEYS:
        face.put(key, {"a": 1}, policy=LONG)
        assert face.get(key, LONG).bins == {"a": 1}
    assert counted("client_connections_opened") == opened
    assert extra(counted, before) == [6] * NODES


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_least_connections_come_with_the_calls(own_server, counted, running_face, kind):
    before = counted("client_connections")
    face = running_face(kind)
    face.connect()
    assert comes_true(lambda: extra(counted, before) == [1] * NODES), extra(counted, before)
    for key in KEYS:
        face.put(key, {"a": 1}, policy=LONG)
    assert comes_true(lambda: extra(counted, before) == [2] * NODES), extra(counted, before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_comes_back_is_connected_to_before_anybody_calls(own_server, counted, running_face, kind):
    before = counted("client_connections")
    face = running_face(kind, min_conns_per_node=3)
    face.connect()
    assert comes_true(lambda: extra(counted, before) == [4] * NODES)
    lost = own_server.node_names[1]
    own_server.stop_node(1)
    assert comes_true(lambda: lost not in counted("client_connections"))
    own_server.start_node(1)
    assert comes_true(lambda: counted("client_connections").get(lost, 0) >= 4 + 2)  # two are of the probe


@pytest.mark.parametrize("kind", KINDS)
def test_what_rests_too_long_is_closed_but_for_the_least(own_server, counted, running_face, kind):
    before = counted("client_connections")
    face = running_face(kind, min_conns_per_node=2, idle_timeout=1)
    face.connect()

    def many():
        if kind == "sync":
            threads = [threading.Thread(target=face.batch_read, args=(KEYS * 500, None, LONG)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:

            async def at_once():
                await asyncio.gather(*(face.client.put(key, {"a": 1}, policy=LONG) for key in KEYS))

            asyncio.run_coroutine_threadsafe(at_once(), face._loop).result(30)

    many()
    assert max(extra(counted, before)) > 3
    assert comes_true(lambda: extra(counted, before) == [3] * NODES), extra(counted, before)
    time.sleep(2.5)
    assert extra(counted, before) == [3] * NODES
    opened = counted("client_connections_opened")
    for key in KEYS:
        face.put(key, {"a": 1}, policy=LONG)
    assert counted("client_connections_opened") == opened, "what was kept is used, however long it rested"


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_never_exceeds_the_most(own_server, counted, running_face, kind):
    before = counted("client_connections")
    face = running_face(kind, min_conns_per_node=50, max_conns_per_node=3)
    face.connect()
    assert comes_true(lambda: extra(counted, before) == [4] * NODES), extra(counted, before)
    time.sleep(1.2)
    assert extra(counted, before) == [4] * NODES
