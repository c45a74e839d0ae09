"""Logins: who gets in, what he may do, sessions that end, and secrets that show nowhere; against embedded nodes."""

import asyncio
import logging
import pickle
import threading
import time
import traceback

import pytest
from fixtures import hostile
from fixtures.certificates import Authority
from fixtures.faces import KINDS, make_face
from fixtures.levels import kept_levels

import aerospike_py
from aerospike_py.testing import Server

KEY = ("test", "login", "key")
USERS = {
    "ada": ("pass of ada", ["read-write", "truncate"]),
    "reader": ("pass of reader", ["read"]),
    "writer": ("pass of writer", ["write"]),
    "old": ("pass of old", ["read"]),
}


@pytest.fixture(scope="module")
def server():
    with Server(nodes=3, users=USERS, expired_passwords=["old"]) as running:
        yield running


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("login") / "authority")


@pytest.fixture(params=KINDS)
def new_client(request):
    """Makes unconnected faces and closes them after the test."""
    made = []

    def make(hosts, **config):
        face = make_face(request.param, {"hosts": hosts, "strict": True} | config)
        made.append(face)
        return face

    yield make
    for each in made:
        each.dispose()


def test_a_login_by_arguments_or_by_config(server, new_client):
    for client, arguments in (
        (new_client(server.hosts[:1]), ("ada", "pass of ada")),
        (new_client(server.hosts, user="ada", password="pass of ada"), ()),
        (new_client(server.hosts, user="nobody", password="x"), ("ada", "pass of ada")),
    ):
        client.connect(*arguments)
        assert len(client.get_node_names()) == 3
        keys = [("test", "login", n) for n in range(60)]
        for key in keys:
            client.put(key, {"a": 1})
        assert len(client.batch_read(keys).to_dict()) == 60
        assert client.ping()


@pytest.mark.parametrize(
    ("user", "password", "error", "code"),
    [
        ("ada", "wrong", aerospike_py.InvalidCredential, 65),
        ("nobody", "x", aerospike_py.InvalidUser, 60),
        ("old", "pass of old", aerospike_py.ExpiredPassword, 63),
    ],
)
def test_a_refused_login_has_an_error_of_its_own(server, new_client, user, password, error, code):
    client = new_client(server.hosts)
    with pytest.raises(error) as caught:
        client.connect(user, password)
    assert isinstance(caught.value, aerospike_py.AdminError)
    assert caught.value.result_code == code
    assert user in str(caught.value)
    assert not client.is_connected()
    client.connect("ada", "pass of ada")  # and the client can be used after it
    assert client.ping()


def test_without_a_login_nobody_gets_in(server, new_client):
    client = new_client(server.hosts)
    with pytest.raises(aerospike_py.ClusterError, match="not authenticated"):
        client.connect()
    with pytest.raises(aerospike_py.ClientError, match="password"):
        client.connect("ada")


def test_a_login_where_there_is_no_security_says_so(new_client):
    with Server() as open_to_all:
        with pytest.raises(aerospike_py.AdminError) as caught:
            new_client(open_to_all.hosts).connect("ada", "x")
        assert caught.value.result_code == 51


def test_everybody_does_what_his_roles_allow(server, new_client):
    ada, reader, writer = (new_client(server.hosts) for _ in range(3))
    ada.connect("ada", "pass of ada")
    reader.connect("reader", "pass of reader")
    writer.connect("writer", "pass of writer")
    writer.put(KEY, {"a": 1})
    assert reader.get(KEY).bins == {"a": 1}
    for act in (
        lambda: writer.get(KEY),
        lambda: reader.put(KEY, {"a": 2}),
        lambda: reader.remove(KEY),
        lambda: reader.operate(KEY, [{"op": aerospike_py.OPERATOR_INCR, "bin": "a", "val": 1}]),
    ):
        with pytest.raises(aerospike_py.RoleViolation) as caught:
            act()
        assert caught.value.result_code == 81
    rows = writer.batch_read([KEY] * 3).batch_records
    assert [row.result for row in rows] == [81] * 3
    written = reader.batch_write([(KEY, {"a": 3})])
    assert [row.result for row in written.batch_records] == [81]
    with pytest.raises(aerospike_py.AerospikeError, match="role violation"):
        reader.truncate("test", "login")
    assert reader.get(KEY).bins == {"a": 1}
    ada.truncate("test", "login")


def test_sessions_are_renewed_before_they_end(new_client):
    with Server(nodes=2, users=USERS, session_ttl=2) as server:
        client = new_client(server.hosts, tend_interval=100, user="ada", password="pass of ada", max_conns_per_node=20)
        client.connect()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            client.put(KEY, {"a": 1})
            assert len(client.batch_read([("test", "login", n) for n in range(40)]).batch_records) == 40
            time.sleep(0.05)
        many_at_once(client)  # wants connections that show the session of now


def many_at_once(client):
    """Calls that need new connections."""
    if client.kind == "async":

        async def gathered():
            await asyncio.gather(*[client.client.put(("test", "login", n), {"n": n}) for n in range(200)])

        client._loop.run_until_complete(gathered())
        return
    failures = []

    def work(thread):
        try:
            for n in range(10):
                client.put(("test", "login", f"{thread} {n}"), {"n": n})
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def test_a_session_that_ended_behind_our_back_is_made_again(new_client):
    with Server(nodes=1, users=USERS, session_ttl=3600) as server:
        client = new_client(server.hosts, tend_interval=200, user="ada", password="pass of ada", idle_timeout=0)
        client.connect()
        client.put(KEY, {"a": 1})
        server.advance_clock(7200)  # the server takes the session for over; the client does not know
        time.sleep(0.1)
        client.put(KEY, {"a": 2}, policy={"total_timeout": 10_000})
        many_at_once(client)
        assert client.get(KEY, policy={"total_timeout": 10_000}).bins == {"a": 2}


@pytest.mark.parametrize("tends", [{}, {"early_tend": False, "tend_interval": 60_000}], ids=["early", "never early"])
@pytest.mark.parametrize("code", [66, 80])
def test_a_session_that_ends_on_a_running_connection_fails_no_call(server, new_client, code, tends):
    patient = {"total_timeout": 20_000}
    keys = [("test", "login", n) for n in range(60)]
    with hostile.ProxiedCluster(server.hosts) as cluster:
        client = new_client(cluster.hosts, user="ada", password="pass of ada", **tends)
        client.connect()
        many_at_once(client)
        forgetful = cluster.proxies[0]
        accepted = forgetful.accepted
        for call in (
            lambda: [client.put(key, {"a": code}, policy=patient) for key in keys],
            lambda: client.batch_read(keys, policy=patient),
            lambda: [client.get(key, policy=patient) for key in keys],
        ):
            forgetful.arm(hostile.refusing(code), times=1)
            until = time.monotonic() + 30
            while not forgetful.faulted:  # reads go to the replica until there is a new session
                call()
                assert time.monotonic() < until
        many_at_once(client)
        # The tend thread logs in on a connection of its own, and calls go on by others.
        assert forgetful.accepted >= accepted + 4
        found = client.batch_read(keys).to_dict()
        assert {n: bins["a"] for n, bins in found.items()} == dict.fromkeys(range(60), code)
        client.close()


def test_a_node_that_was_started_again_wants_a_new_login(new_client):
    with Server(nodes=2, users=USERS) as server:
        client = new_client(server.hosts, tend_interval=100, user="ada", password="pass of ada")
        client.connect()
        server.stop_node(1)
        server.start_node(1)
        until = time.monotonic() + 30
        while len(client.get_node_names()) < 2 or not server.wait_until_stable(1):
            assert time.monotonic() < until
            time.sleep(0.05)
        for n in range(100):
            client.put(("test", "login", n), {"n": n}, policy={"total_timeout": 10_000})


def test_external_logins_and_certificates_want_tls(server, new_client, authority):
    for mode in (aerospike_py.AUTH_EXTERNAL, aerospike_py.AUTH_PKI):
        with pytest.raises(aerospike_py.InvalidArgError, match="TLS"):
            new_client(server.hosts, auth_mode=mode, user="ada", password="pass of ada").connect()
    node = authority.issue("cluster.example")
    tls = node.files | {"name": "cluster.example", "cafile": authority.cafile}
    ada, stranger = authority.issue("ada"), authority.issue("stranger")
    with Server(nodes=2, tls=tls, users=USERS) as secure:
        config = {"tls": {"cafile": authority.cafile} | ada.files, "auth_mode": aerospike_py.AUTH_PKI}
        client = new_client(secure.tls_hosts, **config)
        client.connect()
        client.put(KEY, {"a": 1})
        config["auth_mode"] = aerospike_py.AUTH_EXTERNAL
        client = new_client(secure.tls_hosts, **config)
        client.connect("reader", "pass of reader")
        assert client.get(KEY).bins == {"a": 1}
        with pytest.raises(aerospike_py.InvalidCredential):
            new_client(secure.tls_hosts, **config).connect("reader", "pass of writer")
        config = {"tls": {"cafile": authority.cafile} | stranger.files, "auth_mode": aerospike_py.AUTH_PKI}
        with pytest.raises(aerospike_py.InvalidUser):
            new_client(secure.tls_hosts, **config).connect()


def test_credentials_of_the_wrong_kind_are_refused(server, new_client):
    with pytest.raises(TypeError, match="must be str"):
        new_client(server.hosts).connect("ada", 7)
    with pytest.raises(aerospike_py.InvalidArgError, match="63 bytes"):
        new_client(server.hosts).connect("u" * 64, "x")
    with pytest.raises(aerospike_py.InvalidArgError, match="NUL"):
        new_client(server.hosts).connect("ada", "a\0b")
    with pytest.raises(aerospike_py.InvalidArgError, match="auth_mode"):
        new_client(server.hosts, auth_mode=3)


def test_no_secret_is_shown_anywhere(server, new_client, caplog):
    password = "a password that shows nowhere"
    caplog.set_level(logging.DEBUG)
    with kept_levels():
        aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)
        client = new_client(server.hosts, user="ada", password=password)
        shown = [repr(client.client), str(client.client)]
        with pytest.raises(aerospike_py.InvalidCredential) as caught:
            client.connect()
        shown += [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(pickle.dumps(caught.value))]
        shown += traceback.format_exception(caught.value)
        client.connect("ada", "pass of ada")
        shown += [repr(client.client), aerospike_py.get_metrics(), caplog.text]
    for text in shown:
        assert password not in text
        assert "pass of ada" not in text.replace('"pass of ada"', "")  # source lines of this test apart
        assert "$2a$" not in text
