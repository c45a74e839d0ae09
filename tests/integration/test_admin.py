"""Users and roles: what an administrator changes and sees, what it means for others, and what is refused."""

import asyncio
import logging
import time

import pytest
from fixtures import hostile
from fixtures.faces import KINDS, make_face
from fixtures.levels import kept_levels

import aerospike_py
from aerospike_py.testing import Server

USERS = {"root": ("pass of root", ["user-admin"]), "reader": ("pass of reader", ["read"])}
KEY = ("test", "admin", "key")
PATIENT = {"timeout": 20_000}  # of a busy machine


@pytest.fixture
def server():
    with Server(nodes=2, users=USERS) as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def log_in(server, kind):
    """Gives connected faces and closes them after the test."""
    made = []

    def connected(user, password, **config):
        face = make_face(kind, {"hosts": server.hosts, "strict": True, "timeout": 20_000} | config)
        made.append(face)
        face.connect(user, password)
        return face

    yield connected
    for each in made:
        each.dispose()


@pytest.fixture
def root(log_in):
    return log_in("root", "pass of root")


def refused(code, call, *arguments, **keywords):
    """The error of a call that the server refuses with this code."""
    with pytest.raises(aerospike_py.AdminError) as caught:
        call(*arguments, **keywords)
    assert caught.value.result_code == code
    return caught.value


def eventually(check):
    """Waits for what the next request of a connection brings about."""
    until = time.monotonic() + 30
    while not check():
        assert time.monotonic() < until
        time.sleep(0.01)


# ---- users -----------------------------------------------------------------------------------------------------------


def test_a_user_comes_does_what_his_roles_allow_and_goes(root, log_in):
    assert root.admin_create_user("ada", "pass of ada", ["write"], policy=PATIENT) is None
    ada = log_in("ada", "pass of ada")
    ada.put(KEY, {"a": 1})
    with pytest.raises(aerospike_py.RoleViolation):
        ada.get(KEY)
    assert root.admin_grant_roles("ada", ["read", "truncate"]) is None
    assert ada.get(KEY).bins == {"a": 1}
    assert root.admin_query_user_info("ada")["roles"] == ["write", "read", "truncate"]
    assert root.admin_revoke_roles("ada", ["write", "truncate"]) is None
    with pytest.raises(aerospike_py.RoleViolation):
        ada.put(KEY, {"a": 2})
    assert ada.get(KEY).bins == {"a": 1}
    assert root.admin_drop_user("ada") is None
    with pytest.raises(aerospike_py.AerospikeError):
        ada.get(KEY, policy={"total_timeout": 300})
    refused(60, root.admin_query_user_info, "ada")
    with pytest.raises(aerospike_py.AdminError):
        log_in("ada", "pass of ada")


def test_users_are_told_one_by_one_and_all(root):
    root.admin_create_user("ada", "pass of ada", ["read", "write"])
    assert root.admin_query_user_info("ada") == {"user": "ada", "roles": ["read", "write"], "conns_in_use": 0}
    everybody = root.admin_query_users_info()
    assert [each["user"] for each in everybody] == ["ada", "reader", "root"]
    assert next(each for each in everybody if each["user"] == "root")["conns_in_use"] >= 1
    for n in range(70):  # more than one message of them
        root.admin_create_user(f"user {n:02}", f"pass {n}", [])
    assert [each["user"] for each in root.admin_query_users_info()] == sorted(
        ["ada", "reader", "root"] + [f"user {n:02}" for n in range(70)]
    )


def test_what_cannot_be_done_with_users_has_codes(root):
    assert "UserAlreadyExists" in str(refused(61, root.admin_create_user, "reader", "x", []))
    refused(70, root.admin_create_user, "ada", "x", ["no such role"])
    for call in (
        lambda: root.admin_drop_user("nobody"),
        lambda: root.admin_change_password("nobody", "x"),
        lambda: root.admin_grant_roles("nobody", ["read"]),
        lambda: root.admin_revoke_roles("nobody", ["read"]),
        lambda: root.admin_query_user_info("nobody"),
    ):
        assert isinstance(refused(60, call), aerospike_py.InvalidUser)
    refused(70, root.admin_grant_roles, "reader", ["no such role"])


def test_only_an_administrator_administers(log_in):
    reader = log_in("reader", "pass of reader")
    for call in (
        lambda: reader.admin_create_user("ada", "x", ["read"]),
        lambda: reader.admin_grant_roles("reader", ["user-admin"]),
        lambda: reader.admin_change_password("root", "x"),
        lambda: reader.admin_query_users_info(),
        lambda: reader.admin_query_user_info("root"),
        lambda: reader.admin_query_roles(),
        lambda: reader.admin_create_role("r", []),
    ):
        assert isinstance(refused(81, call), aerospike_py.RoleViolation)
    assert reader.admin_query_user_info("reader")["roles"] == ["read"]


# ---- passwords -------------------------------------------------------------------------------------------------------


def test_an_administrator_sets_a_password(root, log_in):
    root.admin_change_password("reader", "another")
    with pytest.raises(aerospike_py.InvalidCredential):
        log_in("reader", "pass of reader")
    assert log_in("reader", "another").ping()


def test_the_own_password_is_changed_by_anybody_and_used_from_then_on(server, log_in):
    reader = log_in("reader", "pass of reader", tend_interval=100)
    reader.admin_change_password("reader", "another", policy=PATIENT)
    refused(64, reader.admin_change_password, "reader", "another")
    server.stop_node(1)  # all sessions with it end, so that it wants a login
    server.start_node(1)
    eventually(lambda: len(reader.get_node_names()) == 2 and server.wait_until_stable(1))
    for n in range(50):
        assert reader.exists(("test", "admin", n), policy={"total_timeout": 20_000}).meta is None
    with pytest.raises(aerospike_py.InvalidCredential):
        log_in("reader", "pass of reader")
    # Whoever has the old one cannot change it.
    reader.admin_change_password("reader", "a third one")


def test_a_client_whose_password_was_changed_by_another_cannot_change_it(root, log_in):
    reader = log_in("reader", "pass of reader")
    root.admin_change_password("reader", "another")
    assert isinstance(refused(62, reader.admin_change_password, "reader", "mine again"), aerospike_py.InvalidPassword)


def test_a_password_that_is_hashed_leaves_the_loop_to_others(server):
    async def work():
        async with aerospike_py.async_client({"hosts": server.hosts}) as client:
            await client.connect("root", "pass of root")
            of_loop, of_all = time.thread_time(), time.process_time()
            await asyncio.gather(*[client.admin_create_user(f"u{n}", "x", ["read"], PATIENT) for n in range(10)])
            of_loop, of_all = time.thread_time() - of_loop, time.process_time() - of_all
            assert len(await client.admin_query_users_info()) == 12
            return of_loop / of_all

    assert asyncio.run(work()) < 0.5  # of the processor time, nearly all of which is hashing


def test_a_call_that_is_cancelled_while_its_password_is_hashed_sends_nothing(server):
    async def work():
        async with aerospike_py.async_client({"hosts": server.hosts}) as client:
            await client.connect("root", "pass of root")
            making = client.admin_create_user("ada", "x", ["read"])
            making.cancel()
            with pytest.raises(asyncio.CancelledError):
                await making
            await client.admin_create_user("eve", "x", ["read"])  # the same thread does it afterwards
            assert [each["user"] for each in await client.admin_query_users_info()] == ["eve", "reader", "root"]

    asyncio.run(work())


# ---- roles -----------------------------------------------------------------------------------------------------------


def test_a_role_gives_what_it_holds_where_it_holds(root, log_in):
    privileges = [
        {"code": aerospike_py.PRIV_READ, "ns": "test"},
        {"code": aerospike_py.PRIV_READ_WRITE, "ns": "test", "set": "mine"},
        {"code": "Truncate", "ns": "test", "set": "mine"},
    ]
    assert root.admin_create_role("keeper", privileges) is None
    root.admin_create_user("ada", "pass of ada", ["keeper"])
    ada = log_in("ada", "pass of ada")
    mine, other = ("test", "mine", 1), ("test", "other", 1)
    ada.put(mine, {"a": 1})
    assert ada.get(mine).bins == {"a": 1}
    assert ada.exists(other).meta is None
    for call in (lambda: ada.put(other, {"a": 1}), lambda: ada.remove(other)):
        with pytest.raises(aerospike_py.RoleViolation):
            call()
    rows = ada.batch_write([(mine, {"a": 2}), (other, {"a": 2})], policy={"max_retries": 0}).batch_records
    assert [row.result for row in rows] == [0, 81]
    with pytest.raises(aerospike_py.AerospikeError, match="role violation"):
        ada.truncate("test", "other")
    ada.truncate("test", "mine", policy=PATIENT)
    root.admin_revoke_privileges("keeper", [{"code": "read_write", "ns": "test", "set": "mine"}])
    with pytest.raises(aerospike_py.RoleViolation):
        ada.put(mine, {"a": 1})
    root.admin_grant_privileges("keeper", [{"code": aerospike_py.PRIV_WRITE}])
    ada.put(other, {"a": 1})
    assert root.admin_query_role("keeper")["privileges"] == [
        {"code": 10, "ns": "test"},
        {"code": 14, "ns": "test", "set": "mine"},
        {"code": 13},
    ]
    root.admin_drop_role("keeper")
    with pytest.raises(aerospike_py.RoleViolation):
        ada.get(mine)
    assert root.admin_query_user_info("ada")["roles"] == []


def test_roles_are_told_one_by_one_and_all(root):
    root.admin_create_role(
        "r", [{"code": aerospike_py.PRIV_SYS_ADMIN}], None, ["127.0.0.1", "10.0.0.0/8"], read_quota=7, write_quota=8
    )
    told = {
        "name": "r",
        "privileges": [{"code": 1}],
        "allowlist": ["127.0.0.1", "10.0.0.0/8"],
        "read_quota": 7,
        "write_quota": 8,
    }
    assert root.admin_query_role("r") == told
    everything = root.admin_query_roles()
    assert told in everything
    assert {"read", "write", "read-write", "user-admin", "sys-admin"} < {each["name"] for each in everything}
    assert next(each for each in everything if each["name"] == "read") == {
        "name": "read",
        "privileges": [{"code": 10}],
        "allowlist": [],
        "read_quota": 0,
        "write_quota": 0,
    }
    for n in range(70):
        root.admin_create_role(f"role {n}", [])
    assert len(root.admin_query_roles()) == len(everything) + 70


def test_users_of_a_role_come_from_its_addresses(root, log_in):
    root.admin_create_role("near", [{"code": "read"}], whitelist=["127.0.0.0/8"])
    root.admin_create_user("ada", "pass of ada", ["near"])
    ada = log_in("ada", "pass of ada")
    assert ada.exists(KEY).meta is None
    assert root.admin_set_whitelist("near", ["10.0.0.0/8", "fd00::/8"]) is None
    assert root.admin_query_role("near")["allowlist"] == ["10.0.0.0/8", "fd00::/8"]
    with pytest.raises(aerospike_py.AdminError) as caught:
        ada.exists(KEY)
    assert caught.value.result_code == 82
    with pytest.raises(aerospike_py.AdminError) as caught:
        log_in("ada", "pass of ada")
    assert caught.value.result_code == 82
    root.admin_set_whitelist("near", [])
    assert root.admin_query_role("near")["allowlist"] == []
    assert log_in("ada", "pass of ada").exists(KEY).meta is None


def test_quotas_are_told_with_the_role_and_with_its_users(root):
    root.admin_create_role("slow", [{"code": "read"}])
    root.admin_create_user("ada", "pass of ada", ["slow"])
    root.admin_set_quotas("slow", read_quota=100, write_quota=50)
    assert root.admin_query_user_info("ada") == {
        "user": "ada",
        "roles": ["slow"],
        "conns_in_use": 0,
        "read_info": [100, 0, 0, 0],
        "write_info": [50, 0, 0, 0],
    }
    root.admin_set_quotas("slow")
    role = root.admin_query_role("slow")
    assert (role["read_quota"], role["write_quota"]) == (0, 0)
    assert "read_info" not in root.admin_query_user_info("ada")


def test_what_cannot_be_done_with_roles_has_codes(root):
    root.admin_create_role("r", [])
    refused(71, root.admin_create_role, "r", [])
    refused(71, root.admin_create_role, "read", [])
    for call in (
        lambda: root.admin_drop_role("no such role"),
        lambda: root.admin_drop_role("read"),
        lambda: root.admin_grant_privileges("no such role", [{"code": 10}]),
        lambda: root.admin_revoke_privileges("read", [{"code": 10}]),
        lambda: root.admin_set_whitelist("no such role", []),
        lambda: root.admin_set_quotas("no such role"),
        lambda: root.admin_query_role("no such role"),
    ):
        refused(70, call)
    refused(73, root.admin_set_whitelist, "r", ["no address"])
    refused(73, root.admin_create_role, "s", [], whitelist=["1.2.3.4/33"])


# ---- arguments, servers without security, faults ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "arguments", "error", "text"),
    [
        ("admin_create_user", (7, "x", []), TypeError, "username must be str, not int"),
        ("admin_create_user", ("ada", None, []), TypeError, "password must be str, not NoneType"),
        ("admin_create_user", ("ada", "x", "read"), TypeError, "roles must be a list of str, not str"),
        ("admin_create_user", ("ada", "x", [7]), TypeError, "roles must be a list of str, not of int"),
        ("admin_create_user", ("", "x", []), aerospike_py.InvalidArgError, "username must not be empty"),
        ("admin_create_user", ("u" * 64, "x", []), aerospike_py.InvalidArgError, "at most 63"),
        ("admin_create_user", ("ada", "a\0b", []), aerospike_py.InvalidArgError, "NUL"),
        ("admin_create_user", ("ada", "x", ["r"] * 256), aerospike_py.InvalidArgError, "256 roles.*255"),
        ("admin_query_user_info", ("",), aerospike_py.InvalidArgError, "username must not be empty"),
        ("admin_create_role", ("r", [7]), TypeError, "a privilege must be a dict, not int"),
        ("admin_create_role", ("r", {"code": 10}), TypeError, "privileges must be a list of dicts, not dict"),
        ("admin_create_role", ("r", [{"ns": "test"}]), aerospike_py.InvalidArgError, "needs a 'code'"),
        ("admin_create_role", ("r", [{"code": 9}]), aerospike_py.InvalidArgError, "9 is no privilege"),
        ("admin_create_role", ("r", [{"code": "reed"}]), aerospike_py.InvalidArgError, "'reed' is no privilege"),
        ("admin_create_role", ("r", [{"code": 1.5}]), TypeError, "float"),
        (
            "admin_create_role",
            ("r", [{"code": 10, "namespace": "x"}]),
            aerospike_py.InvalidArgError,
            "no key 'namespace'",
        ),
        ("admin_create_role", ("r", [{"code": 10, "ns": 7}]), TypeError, "'ns' must be str, not int"),
        ("admin_create_role", ("r", [{"code": 10, "set": "s"}]), aerospike_py.InvalidArgError, "names no namespace"),
        ("admin_create_role", ("r", [{"code": 0, "ns": "test"}]), aerospike_py.InvalidArgError, "holds everywhere"),
        ("admin_create_role", ("r", [], None, None, -1), aerospike_py.InvalidArgError, "read_quota must be 0"),
        ("admin_set_quotas", ("r", 0, 2**32), aerospike_py.InvalidArgError, "write_quota must be 0"),
        ("admin_set_whitelist", ("r", "10.0.0.1"), TypeError, "whitelist must be a list of str, not str"),
        ("admin_set_whitelist", ("r", ["10.0.0.1,::1"]), aerospike_py.InvalidArgError, "is no address"),
        ("admin_drop_role", ("r", {"timeout": "x"}), TypeError, "str"),
        ("admin_drop_role", ("r", {"total_timeout": 1}), aerospike_py.InvalidArgError, "total_timeout"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(root, method, arguments, error, text):
    with pytest.raises(error, match=text):
        getattr(root, method)(*arguments)


def test_a_server_without_security_says_so(kind):
    with Server() as open_to_all:
        face = make_face(kind, {"hosts": open_to_all.hosts})
        try:
            face.connect()
            for call in (
                lambda: face.admin_query_users_info(),
                lambda: face.admin_create_user("ada", "x", ["read"]),
                lambda: face.admin_change_password("ada", "x"),
                lambda: face.admin_query_roles(),
            ):
                assert "no security" in str(refused(51, call))
            assert face.ping()
        finally:
            face.dispose()


def test_a_silent_server_is_waited_for_no_longer_than_the_policy_says(server, kind):
    with hostile.ProxiedCluster(server.hosts[:1]) as cluster:
        face = make_face(kind, {"hosts": cluster.hosts, "timeout": 20_000})
        try:
            face.connect("root", "pass of root")
            face.admin_create_role("r", [])
            cluster.proxies[0].admin_fault = hostile.silent
            began = time.monotonic()
            with pytest.raises(aerospike_py.AerospikeTimeoutError) as caught:
                face.admin_drop_role("r", policy={"timeout": 300})
            assert 0.25 < time.monotonic() - began < 10
            assert caught.value.in_doubt
        finally:
            face.dispose()


def test_no_password_is_shown_anywhere(server, root, log_in, caplog):
    password = "a password that shows nowhere"
    caplog.set_level(logging.DEBUG)
    shown = []
    with kept_levels():
        aerospike_py.set_log_level(aerospike_py.LOG_LEVEL_TRACE)
        for call in (
            lambda: root.admin_create_user("reader", password, []),
            lambda: root.admin_create_user("ada", password, ["no such role"]),
            lambda: root.admin_change_password("nobody", password),
            lambda: root.admin_create_user("ada", password + "\0", []),
        ):
            with pytest.raises(aerospike_py.AerospikeError) as caught:
                call()
            shown += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
        root.admin_change_password("reader", password)
        reader = log_in("reader", password)
        shown += [repr(reader.client), aerospike_py.get_metrics(), caplog.text]
    for text in shown:
        assert password not in text
        assert "$2a$" not in text
