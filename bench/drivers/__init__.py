"""One thin driver per client: how an application calls it when it follows that client's own documentation.

A driver offers `describe`, `supports(case)`, `prepare(case)` (a function of one argument of `workload.arguments`; what
it returns is awaited in asyncio cases), `canonical(case, argument, result)` (the answer as {user key: bins}) and the
coroutines `open` and `close`.
"""
