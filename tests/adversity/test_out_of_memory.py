"""Memory that runs out in Python's allocators: the n-th allocation fails, for n = 1, 2, 3 ... until a use needs none.

Each use is either done or a MemoryError, and leaves nothing behind. `_testcapi.set_nomemory` of CPython makes
allocations fail, so each use has a process of its own: a crash then is a failed test with its stack. Allocations of
the C++ core are not starved here.
"""

import textwrap

import pytest
from fixtures.program import run_program

STARVE = """
import gc
import _testcapi

ABSORBED_MAX = 40  # so many failures in a row that change nothing: the use needs no more memory than that
LEFT_MAX = 12      # blocks; what leaks does so at every failure

KEYS = [("test", "starved", i) for i in range(20)]

def sweep(use):
    "Starve `use` at each of its allocations; gives how often it said so."
    told = absorbed = nth = 0
    while absorbed < ABSORBED_MAX:
        try:
            _testcapi.set_nomemory(nth, nth + 1)
            try:
                made = use()
            finally:
                _testcapi.remove_mem_hooks()
            made = None
            absorbed += 1
        except MemoryError:
            told += 1
            absorbed = 0
        nth += 1
    return told

def starve(use):
    use()
    told = sweep(use)
    assert told > 0, "nothing was starved"
    for attempt in range(3):  # what the interpreter keeps for itself is kept by the first rounds
        gc.collect()
        before = sys.getallocatedblocks()
        sweep(use)
        gc.collect()
        left = sys.getallocatedblocks() - before
        if left <= LEFT_MAX:
            break
    assert left <= LEFT_MAX, f"{left} blocks stay behind"
    use()

def connected():
    client = aerospike_py.client({"hosts": HOSTS}).connect()
    client.batch_write([(key, {"n": i, "s": "text"}) for i, key in enumerate(KEYS)])
    return client
"""

# Each names a use; `starve` runs it.
USES = {
    "client": "starve(lambda: aerospike_py.client({'hosts': HOSTS, 'timeout': 500, 'rack_ids': [1, 2]}))",
    "async_client": "starve(lambda: aerospike_py.AsyncClient({'hosts': HOSTS, 'timeout': 500}))",
    "config of TLS": """
        tls = {"enable": True, "cadata": b"x" * 2000, "keyfile_pw": "pass phrase"}
        starve(lambda: aerospike_py.client({"hosts": [(*HOSTS[0], "name")], "tls": tls}))
    """,
    "config that is refused": """
        def use():
            try:
                aerospike_py.Client({"hosts": HOSTS, "timeout": -1})
            except (ValueError, TypeError, aerospike_py.AerospikeError):
                return
            raise AssertionError("not refused")
        starve(use)
    """,
    "get": "c = connected(); starve(lambda: c.get(KEYS[3]))",
    "put": "c = connected(); starve(lambda: c.put(KEYS[3], {'n': 3, 'l': [1, {'a': b'x'}], 's': 'text'}))",
    "operate": """
        c = connected()
        from aerospike_py import OPERATOR_READ
        starve(lambda: c.operate(KEYS[3], [{"op": OPERATOR_READ, "bin": "n", "val": None}]))
    """,
    "exception": """
        c = connected()
        def use():
            try:
                c.get(("test", "starved", "missing"))
            except aerospike_py.RecordNotFound:
                return
            raise AssertionError("not raised")
        starve(use)
    """,
    "batch_read": "c = connected(); starve(lambda: c.batch_read(KEYS))",
    "to_dict": "c = connected(); starve(lambda: c.batch_read(KEYS).to_dict())",
    "to_dict by key": "c = connected(); starve(lambda: c.batch_read(KEYS).to_dict(by='key'))",
    "by_set": "c = connected(); starve(lambda: c.batch_read(KEYS).by_set())",
    "to_list": "c = connected(); starve(lambda: c.batch_read(KEYS).to_list())",
    "views": """
        c = connected()
        rows = c.batch_read(KEYS)
        def use():  # list(dict.items()) of CPython itself keeps memory when it fails
            for each in (rows.items(), rows.keys(), rows.values(), rows):
                for _ in each:
                    pass
            return rows.all_user_keys(), rows[3], rows.get(4), 5 in rows
        starve(use)
    """,
    "records": """
        c = connected()
        rows = c.batch_read(KEYS)
        starve(lambda: [(each.key, each.record, each.result) for each in rows.iter_records()])
        starve(lambda: [each.record for each in rows.batch_records])
    """,
    "merge_to_dict": """
        c = connected()
        rows = [c.batch_read(KEYS) for _ in range(3)]
        starve(lambda: aerospike_py.LazyBatchRecords.merge_to_dict(rows))
    """,
    "batch_write": "c = connected(); starve(lambda: c.batch_write([(key, {'n': 1}) for key in KEYS]))",
    "profile": """
        aerospike_py.set_internal_stage_metrics_enabled(True)
        c = connected()
        c.batch_read(KEYS).to_dict()
        starve(lambda: aerospike_py.get_metrics())
        starve(lambda: c.get(KEYS[1]))
        starve(lambda: c.batch_read(KEYS).timings)
    """,
    "awaitables": """
        async def main():
            async with aerospike_py.AsyncClient({"hosts": HOSTS}) as c:
                await c.connect()
                await c.batch_write([(key, {"n": i}) for i, key in enumerate(KEYS)])
                for make in (
                    lambda: c.get(KEYS[2]),
                    lambda: c.put(KEYS[2], {"n": 2}),
                    lambda: c.batch_read(KEYS),
                    lambda: c.exists(KEYS[2]),
                ):
                    told = absorbed = nth = 0
                    while absorbed < ABSORBED_MAX:
                        made = None
                        try:
                            _testcapi.set_nomemory(nth, nth + 1)
                            try:
                                made = make()
                            finally:
                                _testcapi.remove_mem_hooks()
                            await asyncio.wait_for(made, 20)
                            absorbed += 1
                        except MemoryError:
                            told += 1
                            absorbed = 0
                        nth += 1
                    assert told > 0
                    await make()
        asyncio.run(main())
    """,
    "calls before a loop runs": """
        c = aerospike_py.AsyncClient({"hosts": HOSTS})
        def use():
            call = c.get(KEYS[2])
            call.close()
        starve(use)
    """,
}


@pytest.mark.parametrize("use", USES)
def test_a_starved_use_is_a_memory_error(server, use):
    """No crash, no hang, no other error, nothing left behind, and the same use works at once when there is memory."""
    run_program(list(server.hosts), STARVE + textwrap.dedent(USES[use]))
