"""Why a figure is where it is, for gates that a run may miss: printed beside those that it did miss.

By case and by what it is compared with. Instructions in a reason were counted (`make bench-check`, and
docs/decisions/0008-where-the-cycles-go.md, which has the profiles); a reason without a count is an inference.
"""

from __future__ import annotations

from clients import FLOOR, FREE_THREADED
from gates import BEST_OTHER, Gate

CALL = (
    "The kernel's part is the floor's own: one send, one receive. On top come 12,000 to 14,000 instructions of a "
    "Python call (arguments, key, digest, record or bins), on caches that the kernel has just used."
)
LOOP = (
    "40,000 instructions of user code, half of them one turn of asyncio's own loop, written in Python. uvloop or "
    "company in the tick make it cheaper."
)
KEYS = (
    "The floor sends prepared bytes and looks into nothing, for less CPU than hashing the keys takes. Ours spends 600 "
    "instructions on reading and hashing each key, and 450 on its row: encode, match, index."
)
CORE_KEYS = (
    "The floor sends prepared bytes and looks into nothing. The core spends 390 instructions on the digest of each "
    "key (8 lanes), 49 on its place in the request, 190 on finding and checking its row."
)
ROWS = (
    "600 instructions on reading and hashing each key, 450 on its row, 700 on eight values put into the array; the "
    "floor has none of the three."
)
DICTS = (
    "5,400 instructions a key, of which 3,200 are CPython's own: a dict, eight values, eight insertions. The others "
    "pay the same for those, and a small batch has the price of its call to bear."
)
ONE_SERVER = (
    "Two connections halve the wait only where two cores serve them; here one server process answers both, and keys "
    "are hashed before the first byte goes out."
)
WAITS = (
    "A merged call waits for the last row of its message. Where a run shows it, a get that came alone waited for "
    "company that seldom came; it now does so only after three busy ticks of the last four (decision 0008)."
)
NINE = (
    "Nine results are made one after another, and nine dicts, where one call makes one; the rest is the same message."
)
THREADS = (
    "In instructions a batch to dict costs 1.14 times what it costs on 3.11, a batch_write 1.03, a get 0.93. What "
    "makes it dearer in time beyond that is not found yet."
)
SWITCH = (
    "In instructions (`make bench-check`): stage profiling adds 1,500 to a get, 2,800 to an asyncio get, 12 a key to "
    "a batch; metrics add 260. The rest is noise of the run."
)

REASONS = {
    ("get", FLOOR): CALL,
    ("put", FLOOR): CALL,
    ("aget_1", FLOOR): LOOP,
    ("batch_1800_one", FLOOR): KEYS,
    ("batch_1800_raw", FLOOR): KEYS,
    ("batch_1800_free", FLOOR): ONE_SERVER,
    ("batch_1800_numpy", FLOOR): ROWS,
    ("batch_1800_numpy", "aerospike_py_community"): ROWS,
    ("batch_1800_dict", BEST_OTHER): DICTS,
    ("batch_200_dict", BEST_OTHER): DICTS,
    ("agather_9x200", "case abatch_1800_dict"): NINE,
    ("core_batch", FLOOR): CORE_KEYS,
    ("stages_batch", "off"): SWITCH,
    ("stages_get", "off"): SWITCH,
    ("stages_aget", "off"): SWITCH,
    ("metrics_get", "off"): SWITCH,
} | {(f"think_{mean}", f"case think_{mean}_alone"): WAITS for mean in ("0.5", "2", "5")}


def reason_of(gate: Gate) -> str:
    """Why this gate may be missed; says so where nobody knows."""
    if gate.client == FREE_THREADED:
        return THREADS
    return REASONS.get((gate.case, gate.than), "No reason is known yet.")
