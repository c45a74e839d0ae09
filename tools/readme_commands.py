"""Runs the commands of the documents, so that what a newcomer copies works.

In the documents listed below a fenced block marked `sh ci` or `python ci` is run from the root of the project: `sh`
by bash, which stops at the first command that fails, `python` by the interpreter of `.venv`. Blocks without the mark
are for reading.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

from tidy import ROOT

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/security.md"]
LIMIT_S = 900


def blocks(name: str) -> list[tuple[int, str, str]]:
    """Marked blocks of a document: line, language, text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.finditer(r"^```(sh|python) ci\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: block.start()].count("\n") + 1, block.group(1), block.group(2)) for block in found]


def run(language: str, text: str) -> int:
    """Runs one block; gives its exit status."""
    inside = os.environ | {"PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-euo", "pipefail", "-c", text]
    if language == "python":
        command = [str(ROOT / ".venv/bin/python"), "-W", "error", "-c", text]
    return subprocess.run(command, cwd=ROOT, env=inside, check=False, timeout=LIMIT_S).returncode


def main() -> int:
    """Runs all marked blocks; a document without any is an error. Arguments are commands that ran already: left out."""
    failed = ran = 0
    known = set(sys.argv[1:])
    for name in DOCUMENTS:
        for line, language, whole in blocks(name):
            text = "".join(part + "\n" for part in whole.splitlines() if part not in known)
            if not text.strip():
                continue
            known |= set(text.splitlines()) if language == "sh" else set()
            print(f"-- {name}:{line} ({language})\n{text.rstrip()}", flush=True)
            start = time.monotonic()
            status = run(language, text)
            print(f"-- status {status}, {time.monotonic() - start:.1f} s", flush=True)
            ran += 1
            failed += status != 0
    print(f"documents: {ran} blocks run, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
