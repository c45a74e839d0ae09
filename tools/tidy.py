"""House rules as a check: what a reviewer would say every time, said by a program.

`python3 tools/tidy.py` looks at the files git knows or would add. Rules: folders depend downwards only, public headers
see public headers only and compile alone, every .cc belongs to a target, headers and modules say what they are for,
functions and files stay short, no machine's path, no unowned to-do, no skipped test. Exceptions stand with their reason
in `tools/long_files.txt`; the list may only shrink.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LINE_LENGTH_MAX = 120

# What a folder may include besides itself, by the first folder of the include. `aero` is the public API.
CORE_LAYERS = {
    "base": set(),
    "wire": {"base"},
    "metrics": {"base", "wire"},
    "io": {"base", "metrics"},
    "cluster": {"base", "wire", "metrics", "io"},
    "command": {"base", "wire", "metrics", "io", "cluster"},
    "client": {"base", "wire", "metrics", "io", "cluster", "command"},
}
OTHER_FOLDERS = {
    "core/include": set(),
    "core/testing": {"testing", *CORE_LAYERS},
    "server": {"base", "wire", "io"},
    "bindings": {"base", "wire", "metrics"},
    "examples": set(),
    "bench": {"base", "wire", "metrics", "io"},
    "fuzz": {"testing", "server", *CORE_LAYERS},
}
LAYER_NAMES = {"testing", *CORE_LAYERS}

# Each pattern with what to do instead. Brackets keep a pattern from matching this very file.
BANNED = [
    (r"(?<![\w.])/(?:work|farm|root)/[\w.]", "a path of one machine; use a path relative to the project"),
    (r"(?<![\w.])/home/[a-z]", "a path of one machine; use a path relative to the project"),
    (r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b(?!\(#\d+\))", "an open end without an owner; write TO[D]O(#issue) or mend it"),
    (
        r"pytest\.(?:s[k]ip|x[f]ail|importors[k]ip)|mark\.(?:s[k]ip|x[f]ail)|unittest\.s[k]ip|GTEST_S[K]IP",
        "a test that does not run",
    ),
    (r"\bTEST\w*\(\w+,\s*DIS[A]BLED_", "a test that does not run"),
    (r"NotImplemented[E]rror", "an unfinished function"),
    (
        r"\bfiles\.python[h]osted\b|\bpypi\.[o]rg\b|\bdeb\.debian\.[o]rg\b|\bproxy\.golang\.[o]rg\b",
        "the host name of a package registry",
    ),
]
TEXT_SUFFIXES = {".h", ".cc", ".py", ".pyi", ".md", ".txt", ".toml", ".cmake", ".json", ".yml", ".yaml", ".sh", ""}


def listed_files() -> list[str]:
    """Files that git tracks or would add, without those deleted in the work tree."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(name for name in names if name and (ROOT / name).is_file())


def read(name: str) -> str:
    """The text of a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def allowed_of(name: str) -> tuple[str, set[str]] | None:
    """The folder of a C++ file and what it may include; nothing for files outside the layers."""
    parts = name.split("/")
    if name.startswith("core/src/") and len(parts) > 3:
        layer = parts[2]
        if layer not in CORE_LAYERS:
            return layer, set()
        allowed = CORE_LAYERS[layer] | {layer}
        is_test = re.search(r"_(test|fuzz|bench)\.cc$", name) is not None
        return layer, allowed | ({"testing"} if is_test else set())
    for folder, allowed in OTHER_FOLDERS.items():
        if name.startswith(folder + "/"):
            return folder, allowed
    return None


def check_dependencies(name: str, text: str) -> Iterator[str]:
    """Includes may only point downwards; angle brackets are for the world outside."""
    place = allowed_of(name)
    if place is None:
        return
    folder, allowed = place
    if name.startswith("core/src/") and folder not in CORE_LAYERS:
        yield f"{name}:1: folder core/src/{folder} has no place in the order of layers (tools/tidy.py)"
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not found:
            continue
        target = found.group(2).split("/")[0] if "/" in found.group(2) else ""
        if target in LAYER_NAMES and target not in allowed and (ROOT / "core/src" / found.group(2)).exists():
            yield f"{name}:{number}: {folder} may not use {target} ({found.group(2)})"
        if target in LAYER_NAMES and found.group(1) == "<":
            yield f'{name}:{number}: our own header in angle brackets; write #include "{found.group(2)}"'
        if folder == "core/include" and found.group(1) == '"' and target != "aero":
            yield f"{name}:{number}: a public header may only include aero/ headers ({found.group(2)})"


def check_opening(name: str, text: str) -> Iterator[str]:
    """Headers and Python modules say first what they are for."""
    if name.endswith(".h") and not text.startswith("// "):
        yield f"{name}:1: a header opens with a comment: purpose, threads, ownership"
    if name.endswith(".h") and "#pragma once" not in text:
        yield f"{name}:1: #pragma once is missing"
    if name.endswith(".py") and text.strip() and ast.get_docstring(ast.parse(text)) is None:
        yield f"{name}:1: a module opens with a docstring"


def check_functions(name: str, text: str) -> Iterator[str]:
    """Python functions fit one screen; those of C++ are measured by clang-tidy (readability-function-size)."""
    if not name.endswith(".py"):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{name}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"


def long_files() -> dict[str, tuple[int, str]]:
    """Files that may be long: name -> (lines it may have, reason)."""
    listed = {}
    for line in read("tools/long_files.txt").splitlines():
        if line.strip() and not line.startswith("#"):
            name, limit, reason = line.split(None, 2)
            listed[name] = (int(limit), reason)
    return listed


def check_length(name: str, text: str, listed: dict[str, tuple[int, str]]) -> Iterator[str]:
    """Files stay under 500 lines unless listed with a reason; lines of C++ under 120 columns, comments included."""
    if not name.endswith((".h", ".cc", ".py", ".pyi")):
        return
    lines = text.count("\n")
    limit = listed.get(name, (FILE_LINES_MAX, ""))[0]
    if lines > limit:
        yield f"{name}:1: {lines} lines, at most {limit}; is it one noun? (tools/long_files.txt lists exceptions)"
    for number, line in enumerate(text.splitlines(), 1):
        if name.endswith((".h", ".cc")) and len(line) > LINE_LENGTH_MAX:
            yield f"{name}:{number}: {len(line)} columns, at most {LINE_LENGTH_MAX}"


def check_words(name: str, text: str) -> Iterator[str]:
    """No machine's path, no unowned to-do, no skipped test."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, advice in BANNED:
            if re.search(pattern, line):
                yield f"{name}:{number}: {advice}"


def check_exceptions(names: list[str], listed: dict[str, tuple[int, str]]) -> Iterator[str]:
    """The list of exceptions holds nothing that is no longer needed."""
    for name in listed:
        if name not in names:
            yield f"tools/long_files.txt:1: {name} does not exist any more"
        elif read(name).count("\n") <= FILE_LINES_MAX:
            yield f"tools/long_files.txt:1: {name} is short enough now, take it off the list"


def check_targets(names: list[str], database: Path) -> Iterator[str]:
    """Every .cc is compiled by some target."""
    compiled = {os.path.realpath(entry["file"]) for entry in json.loads(database.read_text())}
    for name in names:
        outside = name.startswith("examples/")  # built from the installed tree
        if name.endswith(".cc") and not outside and os.path.realpath(ROOT / name) not in compiled:
            yield f"{name}:1: belongs to no target of the build"


def check_headers_alone(names: list[str], compiler: str) -> Iterator[str]:
    """A user may include any public header first."""
    headers = [name for name in names if name.startswith("core/include/")]

    def compile_alone(name: str) -> str | None:
        command = [compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", "c++"]
        command += ["-I", "core/include", "-include", name, "-"]
        outcome = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True, check=False)
        return None if outcome.returncode == 0 else f"{name}:1: does not compile alone\n{outcome.stderr}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from (problem for problem in pool.map(compile_alone, headers) if problem)


def main() -> int:
    """Runs every rule and prints what it finds, one line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--database", type=Path, help="compile_commands.json of a build with everything switched on")
    parser.add_argument("--compiler", default="g++", help="used to compile public headers alone")
    chosen = parser.parse_args()
    names = listed_files()
    listed = long_files()
    problems = list(check_exceptions(names, listed))
    for name in names:
        if Path(name).suffix not in TEXT_SUFFIXES or name.startswith("tests/golden/") or name == "LICENSE":
            continue
        text = read(name)
        problems += check_words(name, text)
        problems += check_opening(name, text)
        problems += check_functions(name, text)
        problems += check_length(name, text, listed)
        if name.endswith((".h", ".cc")):
            problems += check_dependencies(name, text)
    problems += check_headers_alone(names, chosen.compiler)
    if chosen.database:
        problems += check_targets(names, chosen.database)
    for problem in problems:
        print(problem)
    print(f"tidy: {len(names)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
