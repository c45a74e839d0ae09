"""Why a figure is where it is, for gates that a run may miss: printed beside those that it did miss.

Each reason is one that was looked for and found (docs/decisions/0008-where-the-cycles-go.md has the profiles), by case
and by what it is compared with.
"""

from __future__ import annotations

from clients import CORE, FLOOR, FREE_THREADED
from gates import BEST_OTHER, Gate

CALL = (
    "The kernel's part is the floor's own: one send, one receive. On top come some 12,000 to 14,000 instructions "
    "of a Python call (arguments, key, digest, record or bins), which run on caches that the kernel has just "
    "used."
)
LOOP = (
    "About 40,000 instructions of user code, half of them one turn of asyncio's own loop, written in Python; a "
    "sleeping loop also has its timer to look at. uvloop or company in the tick make it cheaper."
)
KEYS = (
    "About 600 instructions a key go into reading tuples of Python objects and hashing them, before a byte is "
    "sent; the floor sends prepared bytes. The rest of the way costs about 450 a key."
)
ROWS = (
    "About 600 instructions a key for reading and hashing it, 450 for its row, 700 for eight values put into the array."
)
DICTS = (
    "About 5,400 instructions a key, of which 3,500 are CPython's own: a dict, eight values, eight insertions. "
    "The others pay the same for those; a small batch also has the price of its call to bear."
)
ONE_SERVER = (
    "Both halves are answered by one server process, and its core and the client's are all that this machine has."
)
TURNS = (
    "Both sides differ by less than the spread of their rounds; what a wait costs depends on how deep the core slept."
)
THREADS = (
    "In instructions a batch of 1,800 to dict costs 1.14 times what it costs on 3.11, a get 0.93 times; what is over "
    "that is the price of counts that are changed atomically."
)
SWITCH = (
    "In instructions (`make bench-check`): stage profiling adds 1,500 to a get, 2,800 to an asyncio get, 9 a key "
    "to a batch, mostly for reading the clock; metrics add 260. What a run of this length sees beside that is "
    "noise."
)

REASONS = {
    ("get", FLOOR): CALL,
    ("put", FLOOR): CALL,
    ("aget_1", FLOOR): LOOP,
    ("aget_32", "native"): TURNS,
    ("aget_128", "native"): TURNS,
    ("batch_1800_one", FLOOR): KEYS,
    ("batch_1800_raw", FLOOR): KEYS,
    ("batch_1800_free", FLOOR): ONE_SERVER,
    ("batch_1800_numpy", FLOOR): ROWS,
    ("batch_1800_numpy", "aerospike_py_community"): ROWS,
    ("batch_1800_dict", BEST_OTHER): DICTS,
    ("batch_200_dict", BEST_OTHER): DICTS,
    ("core_get", FLOOR): TURNS,
    ("core_batch", FLOOR): KEYS,
    ("stages_batch", "off"): SWITCH,
    ("stages_get", "off"): SWITCH,
    ("stages_aget", "off"): SWITCH,
    ("metrics_get", "off"): SWITCH,
} | {(f"think_{mean}", f"case think_{mean}_alone"): TURNS for mean in ("0.5", "2", "5")}


def reason_of(gate: Gate) -> str:
    """Why this gate may be missed; says so where nobody knows."""
    if gate.client == FREE_THREADED:
        return THREADS
    if gate.client == CORE and gate.case == "core_get":
        return TURNS
    return REASONS.get((gate.case, gate.than), "No reason is known yet.")
