"""`for_login_only`: passwords and the picture of the cluster travel by TLS, calls in clear; against embedded nodes."""

import os
import time
from pathlib import Path

import pytest
from fixtures.certificates import Authority
from fixtures.faces import KINDS, make_face

import aerospike_py
from aerospike_py.testing import Server

USERS = {"ada": ("pass of ada", ["read-write"])}
KEYS = [("test", "login_only", n) for n in range(60)]
PATIENT = {"total_timeout": 20_000, "max_retries": 20}  # also of what a node that is stopped leaves in doubt


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("login_only") / "authority")


@pytest.fixture(scope="module")
def tls(authority):
    """What a server is given, with client certificates looked at."""
    return authority.issue("cluster.example").files | {"name": "cluster.example"}


@pytest.fixture(params=KINDS)
def new_client(request, authority):
    """Makes unconnected faces and closes them after the test."""
    made = []

    def make(server, *, tls=None, **config):
        config = {"hosts": server.tls_hosts[:1], "strict": True, "timeout": 20_000} | config
        face = make_face(
            request.param, config | {"tls": {"cafile": authority.cafile, "for_login_only": True} | (tls or {})}
        )
        made.append(face)
        return face

    yield make
    for each in made:
        each.dispose()


def ports_connected_to():
    """The ports at the other end of every connection of this process."""
    inodes = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            inodes.add(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    established = "01"
    return [
        int(row[2].rpartition(":")[2], 16) for row in rows if row[3] == established and f"socket:[{row[9]}]" in inodes
    ]


def use(client):
    """Calls to every node."""
    for key in KEYS:
        client.put(key, {"n": key[2]}, policy=PATIENT)
    assert client.batch_read(KEYS, policy=PATIENT).to_dict() == {key[2]: {"n": key[2]} for key in KEYS}


def test_calls_go_in_clear_and_the_rest_by_tls(tls, new_client):
    with Server(nodes=3, tls=tls, users=USERS) as server:
        client = new_client(server)
        client.connect("ada", "pass of ada")
        assert len(client.get_node_names()) == 3
        use(client)
        ports = ports_connected_to()
        assert all(port in ports for _, port in server.hosts)
        assert sorted(port for port in ports if port in [at[1] for at in server.tls_hosts]) == sorted(
            at[1] for at in server.tls_hosts
        )
        with pytest.raises(aerospike_py.RoleViolation):
            client.admin_query_users_info()


def test_no_password_is_set_in_clear(tls, new_client):
    with Server(tls=tls, users=USERS | {"root": ("pass of root", ["user-admin"])}) as server:
        client = new_client(server)
        client.connect("root", "pass of root")
        for change in (
            lambda: client.admin_create_user("bob", "pass of bob", ["read"]),
            lambda: client.admin_change_password("root", "another"),
        ):
            with pytest.raises(aerospike_py.InvalidArgError, match="hash of this password would travel in clear"):
                change()
        assert sorted(user["user"] for user in client.admin_query_users_info()) == ["ada", "root"]
        new_client(server).connect("root", "pass of root")


def test_a_wrong_password_is_refused(tls, new_client):
    with Server(tls=tls, users=USERS) as server:
        client = new_client(server)
        with pytest.raises(aerospike_py.InvalidCredential):
            client.connect("ada", "a guess")
        with pytest.raises(aerospike_py.InvalidArgError, match="somebody who logs in"):
            client.connect()
        with pytest.raises(aerospike_py.InvalidArgError, match="wants TLS"):
            new_client(server, tls={"enable": False}).connect("ada", "pass of ada")
        client.connect("ada", "pass of ada")
        use(client)


def test_a_certificate_or_a_directory_lets_in_too(tls, authority, new_client):
    with Server(nodes=2, tls=tls | {"cafile": authority.cafile}, users=USERS) as server:
        own = authority.issue("ada").files
        client = new_client(server, tls=own, auth_mode=aerospike_py.AUTH_PKI)
        client.connect()
        use(client)
        client = new_client(server, tls=own, auth_mode=aerospike_py.AUTH_EXTERNAL)
        client.connect("ada", "pass of ada")
        use(client)


def test_sessions_are_renewed_and_nodes_come_back(tls, new_client):
    with Server(nodes=2, tls=tls, users=USERS, session_ttl=2) as server:
        client = new_client(server, tend_interval=100)
        client.connect("ada", "pass of ada")
        until = time.monotonic() + 4
        while time.monotonic() < until:
            use(client)
        server.stop_node(1)
        server.start_node(1)
        until = time.monotonic() + 60
        while len(client.get_node_names()) < 2 or not server.wait_until_stable(1):
            assert time.monotonic() < until
            time.sleep(0.05)
        use(client)


def test_alternate_addresses_are_those_of_each_service(tls, new_client):
    with Server(nodes=2, tls=tls, users=USERS, access_address="192.0.2.7", alternate_address="127.0.0.1") as server:
        client = new_client(server, use_services_alternate=True)
        client.connect("ada", "pass of ada")
        assert len(client.get_node_names()) == 2
        use(client)
