"""`python -m aerospike_py.server`: what it prints, what ends it, what it refuses, and what it costs."""

import json
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
from fixtures.certificates import Authority

import aerospike_py

READY_LIMIT_S = 20
END_LIMIT_S = 10


@contextmanager
def program(*arguments):
    """The server in a process of its own, and the line it printed when it was ready."""
    command = [sys.executable, "-m", "aerospike_py.server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline()
        finally:
            if process.poll() is None:
                process.kill()


def addresses(line):
    word, _, places = line.rstrip("\n").partition(" ")
    assert word == "ready"
    return [(host, int(port)) for host, _, port in (place.rpartition(":") for place in places.split(","))]


def ask_info(address, command):
    with socket.create_connection(address, timeout=5) as connection:
        body = command.encode() + b"\n"
        connection.sendall(b"\x02\x01" + len(body).to_bytes(6, "big") + body)
        reply = connection.makefile("rb")
        size = int.from_bytes(reply.read(8)[2:], "big")
        return reply.read(size).decode().rstrip("\n").split("\t")[1]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal_and_ends_well(ending):
    with program("--port", "0", "--nodes", "2", "--namespace", "features") as (process, line):
        first, second = addresses(line)
        assert first[1] != second[1]
        assert ask_info(first, "namespaces") == "features"
        assert ask_info(second, "node") != ask_info(first, "node")
        process.send_signal(ending)
        out, err = process.communicate(timeout=END_LIMIT_S)
        assert (process.returncode, out, err) == (0, "", "")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(first, timeout=5)


def test_nodes_tell_their_racks():
    with program("--nodes", "3", "--rack-id", "7", "--rack-id", "0", "--rack-id", "7") as (_, line):
        nodes = addresses(line)
        names = [ask_info(each, "node") for each in nodes]
        assert [ask_info(each, "rack-ids") for each in nodes] == ["test:7", "test:0", "test:7"]
        assert ask_info(nodes[1], "racks:") == f"ns=test:rack_0={names[1]}:rack_7={names[0]},{names[2]}"
    with program() as (_, line):
        assert ask_info(addresses(line)[0], "rack-ids") == "ERROR:25:enterprise only"
    with program("--nodes", "2", "--rack-id", "7") as (process, _):
        assert "rack_ids names 1 racks for 2 nodes" in process.communicate(timeout=END_LIMIT_S)[1]


def test_nodes_take_the_ports_after_the_first():
    with socket.create_server(("127.0.0.1", 0)) as finder:
        port = finder.getsockname()[1]
    # The next ports may be taken by chance; then the program says so and another try is made further up.
    for start in range(port, port + 200, 20):
        if start + 3 > 65535:
            start -= 20000
        with program("--port", str(start), "--nodes", "3") as (process, line):
            if line:
                assert addresses(line) == [("127.0.0.1", start + i) for i in range(3)]
                return
            assert "cannot start" in process.communicate(timeout=END_LIMIT_S)[1]
    pytest.fail("no three free ports in a row were found")


def test_the_program_speaks_tls_and_knows_users(tmp_path):
    authority = Authority(tmp_path / "authority")
    node = authority.issue("cluster.example")
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"root": ["a secret", ["user-admin"]], "ada": ["another", ["read-write"]]}))
    secure = ["--tls-cert", node.certfile, "--tls-key", node.keyfile, "--tls-name", "cluster.example"]
    told = ["--access-address", "192.0.2.7", "--alternate-access-address", "127.0.0.1"]
    with program("--nodes", "2", "--users", str(users), *secure, *told) as (_, line):
        clear, _, tls = line.rstrip("\n").partition(" tls ")
        hosts = [(host, port, "cluster.example") for host, port in addresses("ready " + tls)]
        assert len(addresses(clear)) == 2
        config = {"hosts": hosts[:1], "tls": {"cafile": authority.cafile}, "use_services_alternate": True}
        config["timeout"] = 20_000
        with aerospike_py.client(config).connect("root", "a secret") as root:
            root.admin_create_user("eve", "a third", ["read"])
            assert [each["user"] for each in root.admin_query_users_info()] == ["ada", "eve", "root"]
        with aerospike_py.client(config).connect("ada", "another") as ada:
            assert len(ada.get_node_names()) == 2
            ada.put(("test", "program", 1), {"a": 1})
        with aerospike_py.client(config).connect("eve", "a third") as eve:
            assert eve.get(("test", "program", 1)).bins == {"a": 1}
            with pytest.raises(aerospike_py.RoleViolation):
                eve.put(("test", "program", 1), {"a": 2})
        with pytest.raises(aerospike_py.InvalidCredential):
            aerospike_py.client(config).connect("ada", "a guess")
    with program("--tls-cert", node.certfile, "--tls-key", node.keyfile, "--tls-ca", authority.cafile) as (_, line):
        hosts = [(host, port, "cluster.example") for host, port in addresses("ready " + line.rpartition(" tls ")[2])]
        shown = {"cafile": authority.cafile} | authority.issue("somebody").files
        with aerospike_py.client({"hosts": hosts, "tls": shown, "timeout": 20_000}).connect() as client:
            assert client.ping()
        with pytest.raises(aerospike_py.ClusterError):
            aerospike_py.client({"hosts": hosts, "tls": {"cafile": authority.cafile}}).connect()


@pytest.mark.parametrize("option", ["--tls-key", "--tls-ca", "--tls-name"])
def test_parts_of_tls_need_a_certificate(option):
    with program(option, "x") as (process, line):
        _, err = process.communicate(timeout=END_LIMIT_S)
        assert (line, process.returncode) == ("", 2)
        assert "need --tls-cert" in err


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with program("--port", str(port)) as (process, line):
            _, err = process.communicate(timeout=END_LIMIT_S)
            assert line == ""
            assert process.returncode == 1
            assert f"127.0.0.1:{port}" in err


@pytest.mark.parametrize("arguments", [["--nodes", "33"], ["--nodes", "0"], ["--port", "65536"], ["--namespace", ""]])
def test_what_makes_no_server_is_refused(arguments):
    with program(*arguments) as (process, line):
        _, err = process.communicate(timeout=END_LIMIT_S)
        assert line == ""
        assert process.returncode in (1, 2)
        assert arguments[0].strip("-").rstrip("s") in err


def field(kind, data):
    return struct.pack(">IB", len(data) + 1, kind) + data


def message(info1, info2, fields, ops=b"", op_count=0):
    head = struct.pack(">BBBBBBIIIHH", 22, info1, info2, 0, 0, 0, 0, 0, 5000, len(fields), op_count)
    body = head + b"".join(fields) + ops
    return b"\x02\x03" + len(body).to_bytes(6, "big") + body


def digest(number):
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little") + number.to_bytes(12, "little")


def write_of(number):
    ops = b"".join(
        struct.pack(">IBBBB", 4 + 2 + 8, 2, 1, 0, 2) + f"i{i}".encode() + struct.pack(">q", number) for i in range(8)
    )
    return message(0, 1, [field(0, b"test"), field(1, b"fv"), field(4, digest(number))], ops, 8)


def batch_of(numbers):
    rows = [struct.pack(">IB", len(numbers), 0x0D)]
    for index, number in enumerate(numbers):
        row = struct.pack(">I", index) + digest(number)
        if index:
            rows.append(row + b"\x01")
        else:
            rows.append(row + b"\x0a\x03\0\0" + struct.pack(">IHH", 0, 2, 0) + field(0, b"test") + field(1, b"fv"))
    return message(8, 0, [field(41, b"".join(rows))])


def read_frame(reply):
    body_size = int.from_bytes(reply.read(8)[2:], "big")
    return reply.read(body_size)


def test_a_batch_of_1800_keys_costs_less_than_two_milliseconds():
    records, keys, rounds = 6000, 1800, 500
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with program("--port", "0") as (process, line):
        with socket.create_connection(addresses(line)[0], timeout=30) as connection, connection.makefile("rb") as reply:
            for number in range(records):
                connection.sendall(write_of(number))
                assert read_frame(reply)[5] == 0
            for turn in range(rounds):
                connection.sendall(batch_of([(turn * 7 + i * 3) % records for i in range(keys)]))
                rows = 0
                while not (body := read_frame(reply))[3] & 1:
                    rows += body.count(b"\x02i7")
                assert rows == keys
        process.terminate()
        process.wait(END_LIMIT_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The whole life of the process, start and writes included, so the true cost is lower.
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / rounds < 0.002


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def members_file(folder, ports):
    pairs = zip(ports[::2], ports[1::2], strict=True)
    path = folder / "members.json"
    path.write_text(json.dumps([{"host": "127.0.0.1", "port": p, "ring_port": r} for p, r in pairs]))
    return str(path)


def wait_until_filled(nodes):
    until = time.monotonic() + READY_LIMIT_S
    while any(ask_info(node, f"cluster-stable:size={len(nodes)}").startswith("ERROR") for node in nodes):
        assert time.monotonic() < until, "the second is not filled"
        time.sleep(0.02)


def test_processes_form_a_cluster_that_survives_a_kill(tmp_path):
    ports = free_ports(4)
    common = ("--members", members_file(tmp_path, ports), "--write-log", str(tmp_path / "writes"))
    with ExitStack() as held:
        started = [held.enter_context(program(*common, "--member", str(i))) for i in range(2)]
        nodes = [addresses(line)[0] for _, line in started]
        assert [port for _, port in nodes] == ports[::2]
        assert ask_info(nodes[0], "peers-generation") == "2"
        wait_until_filled(nodes)
        with aerospike_py.client({"hosts": nodes}).connect() as client:
            for i in range(50):
                client.put(("test", "killed", i), {"i": i})
            started[1][0].kill()
            for i in range(50):
                assert client.get(("test", "killed", i), {"total_timeout": 10_000}).bins == {"i": i}
        lines = (tmp_path / "writes").read_text().splitlines()
        assert sorted(line[0] for line in lines) == ["m"] * 50 + ["r"] * 50


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--member", "5"), "member is 5 of 2"),
        (("--dead-ms", "100"), "dead_ms is 100: expected at least four beats of 150 ms"),
        (("--namespace", "n" * 40), "is not 1 to 31 bytes long"),
        (("--write-log", "no/such/folder/log"), "no/such/folder/log: No such file or directory"),
    ],
)
def test_a_member_that_cannot_start_says_why(tmp_path, arguments, complaint):
    with program("--members", members_file(tmp_path, free_ports(4)), *arguments) as (process, line):
        assert line == ""
        _, err = process.communicate(timeout=END_LIMIT_S)
        assert err.startswith("cannot start: ")
        assert complaint in err
        assert process.returncode == 1


def test_a_member_tells_other_addresses_than_it_listens_on(tmp_path):
    ports = free_ports(4)
    path = tmp_path / "members.json"
    told = {"host": "127.0.0.1", "access": "192.0.2.7", "alternate": "127.0.0.1"}
    path.write_text(json.dumps([told | {"port": p, "ring_port": r} for p, r in [ports[:2], ports[2:]]]))
    with ExitStack() as held:
        lines = [held.enter_context(program("--members", str(path), "--member", str(i)))[1] for i in range(2)]
        wait_until_filled([addresses(line)[0] for line in lines])
        first = addresses(lines[0])[0]
        assert ask_info(first, "service-clear-std") == f"192.0.2.7:{ports[0]}"
        assert ask_info(first, "service-clear-alt") == f"127.0.0.1:{ports[0]}"
        generation = ask_info(first, "peers-generation")
        assert ask_info(first, "peers-clear-alt") == f"{generation},3000,[[BB9000000000002,,[127.0.0.1:{ports[2]}]]]"
        config = {"hosts": [first], "use_services_alternate": True}
        with aerospike_py.client(config).connect() as client:
            assert len(client.get_node_names()) == 2


@pytest.mark.parametrize("taken", [True, False])
def test_takes_compressed_messages_when_told_so(taken):
    text = "again and again " * 500
    key, policy = ("test", "notes", 1), {"compress": True}
    with (
        program("--port", "0", *(["--compression"] if taken else [])) as (_, line),
        aerospike_py.client({"hosts": addresses(line)}).connect() as client,
    ):
        if taken:
            client.put(key, {"text": text}, policy=policy)
            assert client.get(key, policy).bins == {"text": text}
        else:
            with pytest.raises(aerospike_py.AerospikeError, match="compress"):
                client.put(key, {"text": text}, policy=policy)
