"""The floor: bench/wire_floor.cc, which sends prepared requests and reads replies without decoding them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from workload import Case


class Driver:
    """Hands each round to the C++ program and passes its figures on; this process itself is not measured."""

    def __init__(self, hosts: list[tuple[str, int]]) -> None:
        name, port = hosts[0]
        self.program = subprocess.Popen(
            [os.environ["WIRE_FLOOR"], name, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    async def open(self) -> None:
        """The program connects by itself."""

    async def close(self) -> None:
        """Ends the program by closing its input."""
        assert self.program.stdin is not None
        self.program.stdin.close()
        self.program.wait(10)

    def ask(self, command: str) -> dict[str, Any]:
        """One command line to the program, one JSON line back."""
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write(command + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line:
            raise RuntimeError(f"the floor program ended with status {self.program.wait(10)} at `{command}`")
        return dict(json.loads(line))

    def describe(self) -> dict[str, str]:
        """The build type of the program."""
        return {"client": "floor", "version": "-", "build": self.ask("describe")["build"]}

    def supports(self, case: Case) -> bool:
        """Synchronous calls whose replies nobody looks at; a batch counts as untouched."""
        return case.face == "sync" and not case.toggle and case.result in ("record", "none", "untouched")

    def run(self, case: Case, calls: int) -> dict[str, Any]:
        """One round; replaces the loops of `measure`, because the program measures itself."""
        return self.ask(f"{case.op} {case.keys} {case.sets} {calls}")
