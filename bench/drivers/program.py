"""A program that measures itself: it is sent the keys of a round (bench/rounds.h) and answers with the figures."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import workload
from cases import Case


def round_text(op: str, case: Case, arguments: list[Any]) -> str:
    """A round as bench/rounds.h reads it: the command, then a line of `set number` pairs for each call."""
    lines = [f"{op} {case.keys} {len(arguments)} {case.lanes}"]
    for argument in arguments:
        keys = workload.keys_of(case, argument)
        pairs = [f"{key[1].removeprefix('fv_').replace('w', '0')} {int(key[2].removeprefix('user_'))}" for key in keys]
        lines.append(" ".join(pairs))
    return "\n".join(lines) + "\n"


class Program:
    """A running program; this process itself is not measured."""

    def __init__(self, name: str, hosts: list[tuple[str, int]]) -> None:
        address, port = hosts[0]
        path = Path(os.environ["BENCH_PROGRAMS"]) / name
        self.process = subprocess.Popen(
            [str(path), address, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    async def open(self) -> None:
        """The program connects by itself."""

    async def close(self) -> None:
        """Ends the program by closing its input."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def ask(self, command: str) -> dict[str, Any]:
        """A command to the program, one JSON line back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with status {self.process.wait(10)} at `{command[:40]}`")
        return dict(json.loads(line))

    def run(self, case: Case, arguments: list[Any]) -> dict[str, Any]:
        """One round; replaces the loops of `measure`."""
        return self.ask(round_text(case.op, case, arguments))
