"""No byte that nobody has written leaves the process: what the package sends, watched by valgrind's memcheck.

MemorySanitizer watches the encoders of the core (`make fuzz`). This goes through the binding and down to the system
calls that send, with an interpreter that no sanitizer has to be built into.
"""

import os
import subprocess
import sys
import textwrap
import xml.etree.ElementTree as ET

import pytest

from aerospike_py.testing import Server

SECONDS = 300
PRELUDE = """
import asyncio, sys
import numpy as np
import aerospike_py
HOSTS = eval(sys.argv[1])
KEYS = [("test", "written", i) for i in range(40)] + [("test", "written", "key"), ("test", "written", b"bytes")]
VALUES = {
    "i": -5, "f": 2.5, "s": "text", "b": b"\\\\0\\\\1", "t": True, "l": [1, "a", None, [2.5, b"x"]],
    "m": {"k": 1, 2: {"deep": [1] * 40}}, "big": "x" * 40_000,
}
"""
SENT = {
    "single records": """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        for key in KEYS[-3:]:
            client.put(key, VALUES, {"ttl": 100}, {"key": aerospike_py.POLICY_KEY_SEND})
            client.get(key), client.select(key, ["i", "s"]), client.exists(key)
            client.append(key, "s", "more"), client.increment(key, "i", 2), client.touch(key, 50)
            client.operate(key, [{"op": aerospike_py.OPERATOR_INCR, "bin": "i", "val": 1},
                                 {"op": aerospike_py.OPERATOR_READ, "bin": "i", "val": None}])
            client.remove_bin(key, ["b"]), client.remove(key)
        client.info_all("build"), client.truncate("test", "nobody")
        client.close()
    """,
    "batches": """
        client = aerospike_py.client({"hosts": HOSTS}).connect()
        client.batch_write([(key, {**VALUES, "n": i}) for i, key in enumerate(KEYS)])
        client.batch_read(KEYS).to_dict(), client.batch_read(KEYS, ["n"]).to_list()
        client.batch_remove(KEYS[:20])
        rows = np.zeros(50, dtype=[("_key", "i8"), ("f", "f4"), ("n", "i4"), ("s", "S7"), ("v", "f4", (3,))])
        rows["_key"] = range(50)
        client.batch_write_numpy(rows, "test", "rows", rows.dtype)
        client.close()
    """,
    "asyncio": """
        async def main():
            client = aerospike_py.AsyncClient({"hosts": HOSTS})
            await client.connect()
            await asyncio.gather(*(client.put(key, VALUES) for key in KEYS))
            await asyncio.gather(*(client.get(key) for key in KEYS))
            await client.batch_read(KEYS)
            await client.close()
        asyncio.run(main())
    """,
    "logins and administration": """
        config = {"hosts": HOSTS, "user": "admin", "password": "admin"}
        client = aerospike_py.client(config).connect()
        client.admin_create_user("someone", "secret", ["read"])
        part = [{"code": aerospike_py.PRIV_READ, "ns": "test", "set": "s"}]
        client.admin_create_role("part", part, whitelist=["10.0.0.0/8"])
        client.admin_grant_roles("someone", ["part"])
        client.admin_query_users_info()
        client.admin_change_password("admin", "another")
        client.put(KEYS[0], {"n": 1})
        client.close()
    """,
}
CANARY = """
import ctypes, socket
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
ours, theirs = socket.socketpair()
libc.send(ours.fileno(), ctypes.c_void_p(libc.malloc(64)), 64, 0)
"""


def unwritten(text, place, hosts=()):
    """Run a program under memcheck; the system calls that were given bytes nobody had written, each by its stack."""
    report = place / "memcheck.xml"
    command = ["valgrind", "-q", "--xml=yes", f"--xml-file={report}", "--num-callers=30"]
    # Python's own pools would hide where one block ends and that it is new.
    fresh = {"PYTHONMALLOC": "malloc", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, sys.executable, "-c", text, repr(list(hosts))],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=os.environ | fresh,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    found = []
    for error in ET.parse(report).getroot().iter("error"):
        if (error.findtext("kind") or "").startswith("Leak"):
            continue  # AddressSanitizer's matter; here the interpreter's own would count
        frames = list(error.iter("frame"))
        stack = [frame.findtext("fn") or "?" for frame in frames]
        # What is installed has no names left, so our code is known by its file.
        is_ours = any("/_aerospike." in (frame.findtext("obj") or "") for frame in frames)
        if error.findtext("kind") == "SyscallParam" or is_ours:
            found.append(f"{error.findtext('kind')}: {error.findtext('what')}\n  " + "\n  ".join(stack))
    return found


def program(text):
    """A use after the prelude."""
    return PRELUDE + textwrap.dedent(text)


@pytest.mark.parametrize("use", SENT)
def test_every_byte_that_leaves_was_written(use, tmp_path):
    """The calls' requests, and nothing inside the core depends on unwritten memory either."""
    users = {"admin": ("admin", ["user-admin", "read-write"])} if use.startswith("logins") else None
    with Server(nodes=2, users=users) as server:
        assert unwritten(program(SENT[use]), tmp_path, server.hosts) == []


def test_memcheck_sees_an_unwritten_byte_that_is_sent(tmp_path):
    """Were it blind, the tests above would say nothing."""
    found = unwritten(CANARY, tmp_path)
    assert any("send" in each for each in found), found
