"""TLS: whom the clients trust, what they show of themselves, and that nobody waits for ever; against embedded nodes."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
import uvloop
from fixtures.certificates import Authority
from fixtures.faces import KINDS, make_face
from fixtures.hostile import HANG, Peer

import aerospike_py
from aerospike_py.testing import Server

KEY = ("test", "tls", "key")
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody was told of."""
    return Authority(tmp_path_factory.mktemp("tls") / "stranger")


@pytest.fixture(scope="module")
def identity(authority):
    return authority.issue("cluster.example")


@pytest.fixture(scope="module")
def server(identity):
    """Three nodes with a certificate for `cluster.example`."""
    with Server(nodes=3, tls=identity.files | {"name": "cluster.example"}) as running:
        yield running


@pytest.fixture(params=KINDS)
def new_client(request):
    """Makes unconnected faces and closes them after the test."""
    made = []

    def make(hosts, more=None, /, **tls):
        face = make_face(request.param, {"hosts": hosts, "tls": tls, "strict": True} | (more or {}))
        made.append(face)
        return face

    yield make
    for each in made:
        each.dispose()


def refused(client):
    """What `connect` raises, as text."""
    with pytest.raises(aerospike_py.TLSError) as caught:
        client.connect()
    assert isinstance(caught.value, aerospike_py.ClusterError)
    return str(caught.value)


def test_records_travel_over_tls_to_every_node(server, authority, new_client):
    client = new_client(server.tls_hosts[:1], cafile=authority.cafile)
    client.connect()
    assert len(client.get_node_names()) == 3
    keys = [("test", "tls", n) for n in range(200)]
    for n, key in enumerate(keys):
        client.put(key, {"n": n, "text": "x" * (n * 100)})
    assert [client.get(key).bins["n"] for key in keys] == list(range(200))
    rows = client.batch_read(keys * 5).to_list()
    assert [len(row["text"]) for row in rows] == [n * 100 for n in range(200)] * 5
    client.put(("test", "tls", "big"), {"big": b"\x01" * 1_000_000})
    assert client.get(("test", "tls", "big")).bins["big"] == b"\x01" * 1_000_000


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_each_version_is_spoken(server, authority, new_client, version):
    client = new_client(server.tls_hosts, cafile=authority.cafile, protocols=f"-all +{version}")
    client.connect()
    client.put(KEY, {"a": 1})
    assert client.get(KEY).bins == {"a": 1}


def test_authorities_come_as_bytes_or_from_a_folder_too(server, authority, new_client, tmp_path):
    client = new_client(server.tls_hosts, cadata=Path(authority.cafile).read_bytes())
    client.connect()
    assert client.ping()
    shutil.copy(authority.cafile, tmp_path / "ca.pem")
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, timeout=60)
    client = new_client(server.tls_hosts, capath=tmp_path)
    client.connect()
    assert client.ping()


@pytest.mark.parametrize("loop_kind", LOOPS)
def test_many_calls_at_once_on_one_loop(server, authority, loop_kind):
    async def work():
        config = {"hosts": server.tls_hosts, "tls": {"cafile": authority.cafile}}
        async with aerospike_py.async_client(config) as client:
            await client.connect()
            keys = [("test", "tls_loop", n) for n in range(500)]
            await asyncio.gather(*[client.put(key, {"n": n, "b": b"y" * n}) for n, key in enumerate(keys)])
            got = await asyncio.gather(*[client.get(key) for key in keys])
            assert [(row.bins["n"], len(row.bins["b"])) for row in got] == [(n, n) for n in range(500)]
            batches = await asyncio.gather(*[client.batch_read(keys) for _ in range(20)])
            assert all(len(batch.to_dict()) == 500 for batch in batches)

    loop = LOOPS[loop_kind]()
    try:
        loop.run_until_complete(asyncio.wait_for(work(), 60))
    finally:
        loop.close()


def test_many_threads_share_a_client(server, authority):
    with aerospike_py.client({"hosts": server.tls_hosts, "tls": {"cafile": authority.cafile}}).connect() as client:
        failures = []

        def work(thread):
            try:
                for n in range(50):
                    key = ("test", "tls_threads", f"{thread} {n}")
                    client.put(key, {"n": n})
                    assert client.get(key).bins == {"n": n}
                    rows = client.batch_read([key] * 100).to_list()
                    assert rows == [{"n": n}] * 100
            except BaseException as problem:
                failures.append(problem)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert failures == []


def test_the_name_of_a_host_is_checked_where_no_other_is_given(authority, new_client):
    by_address = authority.issue("somebody", alternative="IP:127.0.0.1")
    with Server(tls=by_address.files) as server:
        client = new_client(server.tls_hosts, cafile=authority.cafile)
        client.connect()
        assert client.ping()
        ports = [port for _, port in server.tls_hosts]
        text = refused(new_client([("127.0.0.1", ports[0], "else.example")], cafile=authority.cafile))
        assert "hostname mismatch" in text
        assert f"127.0.0.1:{ports[0]}" in text


def test_certificates_that_are_not_to_be_trusted_are_refused(authority, stranger, new_client):
    good = authority.issue("cluster.example")
    revoked = authority.issue("cluster.example")
    authority.revoke(revoked)
    with_list = authority.with_list()
    cases = [
        (stranger.issue("cluster.example"), {}, "unable to get local issuer certificate"),
        (authority.issue("cluster.example", expired=True), {}, "certificate has expired"),
        (authority.issue("another.example"), {}, "hostname mismatch"),
        (revoked, {"cafile": with_list, "crl_check": True}, "certificate revoked"),
    ]
    for identity, config, why in cases:
        with Server(tls=identity.files | {"name": "cluster.example"}) as server:
            assert why in refused(new_client(server.tls_hosts, **({"cafile": authority.cafile} | config)))
    with Server(tls=good.files | {"name": "cluster.example"}) as server:
        client = new_client(server.tls_hosts, cafile=with_list, crl_check=True, crl_check_all=True)
        client.connect()
        assert client.ping()


def test_a_certificate_of_our_own_is_shown_where_it_is_demanded(authority, stranger, identity, new_client):
    mine = authority.issue("me", phrase="open sesame")
    with Server(tls=identity.files | {"name": "cluster.example", "cafile": authority.cafile}) as server:
        client = new_client(
            server.tls_hosts,
            cafile=authority.cafile,
            **mine.files,
            keyfile_pw="open sesame",
            protocols="TLSv1.2 TLSv1.3",
        )
        client.connect()
        client.put(KEY, {"a": 1})
        assert client.get(KEY).bins == {"a": 1}
        assert "TLS" in refused(new_client(server.tls_hosts, cafile=authority.cafile))
        assert "TLS" in refused(new_client(server.tls_hosts, cafile=authority.cafile, **stranger.issue("me").files))
        text = refused(new_client(server.tls_hosts, cafile=authority.cafile, **mine.files, keyfile_pw="guess"))
        assert "keyfile_pw" in text
        assert "guess" not in text


def test_ciphers_can_be_chosen(server, authority, new_client):
    chosen = "ECDHE-ECDSA-AES256-GCM-SHA384"
    client = new_client(server.tls_hosts, cafile=authority.cafile, protocols="TLSv1.2", cipher_suite=chosen)
    client.connect()
    assert client.ping()
    assert "NONSENSE" in refused(new_client(server.tls_hosts, cafile=authority.cafile, cipher_suite="NONSENSE"))


def test_a_config_that_cannot_be_meant_is_refused(server, authority):
    hosts = server.tls_hosts
    with pytest.raises(aerospike_py.InvalidArgError, match="cafile"):
        aerospike_py.client({"hosts": hosts, "tls": {"ca_file": authority.cafile}, "strict": True})
    with pytest.warns(UserWarning, match="ca_fill"):
        aerospike_py.client({"hosts": hosts, "tls": {"ca_fill": authority.cafile}})
    with pytest.raises(TypeError, match="tls must be a dict"):
        aerospike_py.client({"hosts": hosts, "tls": True})
    with pytest.raises(TypeError, match="keyfile_pw"):
        aerospike_py.client({"hosts": hosts, "tls": {"keyfile_pw": 7}})
    with pytest.raises(aerospike_py.TLSError, match="no/such/file"):
        aerospike_py.client({"hosts": hosts, "tls": {"cafile": "no/such/file"}}).connect()
    with pytest.raises(ValueError, match="tls_name"):
        aerospike_py.client({"hosts": [("127.0.0.1", 3000, "name", "more")]}).connect()


def test_a_plain_peer_and_a_plain_client_are_told_apart(server, authority, new_client):
    text = refused(
        new_client([(host, port, "cluster.example") for host, port in server.hosts], cafile=authority.cafile)
    )
    assert "ended the connection" in text or "TLS" in text
    client = make_face("sync", {"hosts": [pair[:2] for pair in server.tls_hosts], "timeout": 500})
    with pytest.raises(aerospike_py.ClusterError):
        client.connect()
    client.dispose()


class OldPeer:
    """A server that speaks no version of TLS that is still in use."""

    def __init__(self, identity):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.certfile, identity.keyfile)
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.minimum_version = ssl.TLSVersion.TLSv1_1
        self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = ("127.0.0.1", self._socket.getsockname()[1], "cluster.example")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self._context.wrap_socket(connection, server_side=True).close()
                except (OSError, ssl.SSLError):
                    pass

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_peer_of_an_old_version_is_refused(identity, authority, new_client):
    peer = OldPeer(identity)
    try:
        assert "TLS" in refused(new_client([peer.host], cafile=authority.cafile))
    finally:
        peer.close()


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xde\xad\xbe\xef" * 64, b"\x16\x03\x03\x40\x00"]
)
def test_garbage_ends_in_an_error_and_not_in_a_wait(authority, new_client, said):
    with Peer(said, at_once=True) as peer:
        client = new_client([(*peer.hosts[0], "cluster.example")], cafile=authority.cafile)
        began = time.monotonic()
        with pytest.raises(aerospike_py.ClusterError):
            client.connect()
        assert time.monotonic() - began < 10


def test_a_handshake_that_never_ends_ends_by_the_deadline(authority, new_client):
    with Peer(HANG, at_once=True) as peer:
        client = new_client([(*peer.hosts[0], "cluster.example")], cafile=authority.cafile)
        began = time.monotonic()
        with pytest.raises(aerospike_py.ClusterError, match="within"):
            client.connect()
        assert 0.9 < time.monotonic() - began < 10


def test_changed_certificates_hold_for_new_connections_and_leave_running_ones(authority, stranger, identity, tmp_path):
    ours = tmp_path / "ca.pem"
    shutil.copy(authority.cafile, ours)
    with Server(tls=identity.files | {"name": "cluster.example"}) as server:
        config = {"hosts": server.tls_hosts, "tls": {"cafile": ours}, "idle_timeout": 600}
        with aerospike_py.client(config).connect() as client:
            client.put(KEY, {"a": 1})
            shutil.copy(stranger.cafile, ours)  # from here on nobody is trusted that was
            until = time.monotonic() + 30
            while True:
                assert client.get(KEY).bins == {"a": 1}  # on the connection that is there
                second = aerospike_py.async_client(config)
                try:
                    asyncio.run(second.connect())
                except aerospike_py.TLSError:
                    break
                finally:
                    asyncio.run(second.close())
                assert time.monotonic() < until
            time.sleep(2.5)  # the client itself has looked at its files by now
            assert client.get(KEY).bins == {"a": 1}
            server.stop_node(0)  # now it needs a new one
            server.start_node(0)
            with pytest.raises(aerospike_py.AerospikeError, match="certificate"):
                client.get(KEY, policy={"total_timeout": 1500})


def test_alternate_addresses_over_tls(authority, identity, new_client):
    tls = identity.files | {"name": "cluster.example"}
    with Server(nodes=3, tls=tls, access_address="192.0.2.7", alternate_address="127.0.0.1") as server:
        ports = [port for _, port, _ in server.tls_hosts]
        client = new_client(server.tls_hosts[:1], {"use_services_alternate": True}, cafile=authority.cafile)
        client.connect()
        assert len(client.get_node_names()) == 3
        client.put(KEY, {"a": 1})
        assert client.get(KEY).bins == {"a": 1}
        told = {each.node_name: each.response for each in client.info_all("service-tls-alt")}
        assert sorted(text.rstrip("\n").rpartition("\t")[2] for text in told.values()) == sorted(
            f"127.0.0.1:{port}" for port in ports
        )
        assert "[192.0.2.7:" in client.info_random_node("peers-tls-std")
        peers = client.info_random_node("peers-tls-alt")
        assert peers.count(",cluster.example,[127.0.0.1:") == 2
        assert client.info_random_node("service-tls-std").startswith("192.0.2.7:")
    with Server() as plain:
        client = make_face("sync", {"hosts": plain.hosts})
        client.connect()
        assert client.info_random_node("peers-tls-alt").startswith("ERROR:25")
        assert client.info_random_node("service-clear-alt") == ""
        client.dispose()


def test_passphrases_and_keys_are_in_no_text(server, authority):
    secret = "not for your eyes"
    client = aerospike_py.client(
        {"hosts": server.tls_hosts, "tls": {"cafile": authority.cafile, "keyfile_pw": secret, "keydata": secret}}
    )
    with pytest.raises(aerospike_py.TLSError) as caught:
        client.connect()
    for shown in (repr(client), str(client), str(caught.value), repr(caught.value), aerospike_py.get_metrics()):
        assert secret not in shown
