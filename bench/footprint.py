"""What a client weighs: memory of results and of the client itself, and its import.

All but growth need a process that has done nothing yet, or memory freed before would hide what is taken; so the
measured child starts this file anew: `footprint.py import MODULE`, `footprint.py client DRIVER ADDRESS PORT CALLS`,
`footprint.py hold DRIVER ADDRESS PORT CALLS`. Memory is resident memory, so what an allocator keeps is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workload
from measure import Sample

LIMIT_S = 60
CONNECTIONS = 32


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hold(driver: Any, hosts: list[tuple[str, int]], calls: int) -> Sample:
    """What an untouched result occupies: many are kept at once."""
    case = workload.case_named("hold")
    call = driver(hosts).prepare(case)
    arguments = workload.arguments(case, calls, 1)
    few = [call(argument) for argument in arguments[:2]]
    gc.collect()
    before = resident_bytes()
    kept = [call(argument) for argument in arguments]
    held = (resident_bytes() - before) / len(kept)
    assert len(few) + len(kept) == calls + 2
    return {"calls": calls, "held_bytes": held}


def growth(call: Callable[[Any], Any], arguments: list[Any]) -> Sample:
    """What a hundred calls leave behind after a hundred like them."""
    for argument in arguments:
        call(argument)
    gc.collect()
    before = resident_bytes()
    for argument in arguments:
        call(argument)
    gc.collect()
    return {"calls": len(arguments), "growth_kib": max(0, resident_bytes() - before) / 1024}


def anew(*command: str) -> Sample:
    """This file in a process of its own."""
    full = [sys.executable, __file__, *command]
    outcome = subprocess.run(full, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if outcome.returncode != 0:
        raise RuntimeError(f"footprint.py {command} failed: {outcome.stderr[-500:]}")
    return dict(json.loads(outcome.stdout))


def import_of(module: str) -> Sample:
    """Time and memory of one import, in this process."""
    before, start = resident_bytes(), time.perf_counter()
    importlib.import_module(module)
    took = time.perf_counter() - start
    return {"calls": 1, "import_ms": took * 1e3, "import_mib": (resident_bytes() - before) / 2**20}


def open_sockets() -> int:
    """Sockets of this process, of which other threads may close some meanwhile."""
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(link.readlink()).startswith("socket:")
    return count


async def client_of(driver: Any, hosts: list[tuple[str, int]], calls: int) -> Sample:
    """Memory of an asyncio client that has used its connections, and how many these are."""
    keys = workload.arguments(workload.case_named("aget_32"), calls, 1)
    gc.collect()
    before, sockets = resident_bytes(), open_sockets()
    client = await driver.lone_client(hosts)
    for start in range(0, calls, CONNECTIONS):
        await asyncio.gather(*[client.get(key) for key in keys[start : start + CONNECTIONS]])
    gc.collect()
    sample = {
        "calls": calls,
        "client_kib": (resident_bytes() - before) / 1024,
        "connections": open_sockets() - sockets,
    }
    await client.close()
    return sample


def main() -> None:
    """Prints one sample as JSON."""
    if sys.argv[1] == "import":
        print(json.dumps(import_of(sys.argv[2])))
        return
    driver = importlib.import_module(f"drivers.{sys.argv[2]}").Driver
    hosts, calls = [(sys.argv[3], int(sys.argv[4]))], int(sys.argv[5])
    sample = hold(driver, hosts, calls) if sys.argv[1] == "hold" else asyncio.run(client_of(driver, hosts, calls))
    print(json.dumps(sample), flush=True)
    os._exit(0)  # clients of others may still be connected; nothing is left to be done


if __name__ == "__main__":
    main()
