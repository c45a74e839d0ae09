"""One thin driver per client: how an application calls it when it follows that client's own documentation.

A driver offers `module` (what an application imports), `describe`, `supports(case)`, `prepare(case)` (a function of one
argument of `workload.arguments`; what it returns is awaited in asyncio cases), `canonical(case, argument, result)` (the
answer as {user key: bins}) and the coroutines `open` and `close`. Programs that measure themselves offer
`run(case, arguments)` and `answer(case, argument)` instead of the middle ones.
"""

from __future__ import annotations

from cases import Case


def reads_and_writes(case: Case) -> bool:
    """Whether a client without NumPy results, untouched results and switches can do it."""
    plain = case.result in ("record", "dict", "none") and not case.option and not case.toggle
    return plain and case.op in ("get", "put", "batch", "gather", "write_batch", "import")
