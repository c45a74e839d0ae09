"""`python -m aerospike_py.server`: what it prints, what ends it, what it refuses, and what it costs."""

import resource
import signal
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager

import pytest

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
