"""Checks what documents promise: links to files lead somewhere, and `make` commands exist.

Looks at every Markdown file of the project. Addresses outside the project are not fetched.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from tidy import ROOT, listed_files, read


def make_commands() -> set[str]:
    """Targets of the Makefile that `make help` shows."""
    found = re.findall(r"^([a-z -]+):.*## ", read("Makefile"), re.MULTILINE)
    return {target for group in found for target in group.split()}


def anchors_of(text: str) -> set[str]:
    """The anchors that headings make."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def check_links(name: str, text: str) -> Iterator[str]:
    """Relative links name files that exist, and headings that exist in them."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            to = (ROOT / name).parent / path if path else ROOT / name
            if not to.exists():
                yield f"{name}:{number}: link to {target}, which does not exist"
            elif anchor and to.suffix == ".md" and anchor not in anchors_of(to.read_text(encoding="utf-8")):
                yield f"{name}:{number}: link to {target}: no such heading"


def check_commands(name: str, text: str, known: set[str]) -> Iterator[str]:
    """Every `make X` in a document is a command of the Makefile."""
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", line):
            if target not in known:
                yield f"{name}:{number}: `make {target}` does not exist"


def main() -> int:
    """Prints what is wrong, one line each."""
    known = make_commands()
    problems = []
    for name in listed_files():
        if name.endswith(".md"):
            problems += [*check_links(name, read(name)), *check_commands(name, read(name), known)]
    print("\n".join([*problems, f"documents: {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
