"""Every formatter, linter and type checker in one command: `make lint`. All of them run even when one fails.

`--fix` lets the formatters and ruff mend what they can. clang-tidy is by far the slowest, so files it passed are
remembered in `build/lint/passed/` under a digest of the file, all headers, the checks and the version.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import tidy

ROOT = tidy.ROOT
BIN = ROOT / ".venv/bin"
BUILD = ROOT / "build/lint"
PYTHON_FOLDERS = ["python", "tests", "tools", "bench", "drills", "fuzz", "examples"]


def capture(command: list[str]) -> tuple[bool, str]:
    """Runs a command from the root; whether it succeeded and all it said."""
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return outcome.returncode == 0, outcome.stdout + outcome.stderr


def sources(*suffixes: str) -> list[str]:
    """Files of the project with these endings."""
    return [name for name in tidy.listed_files() if name.endswith(suffixes)]


def python_folders() -> list[str]:
    """Folders with Python files that exist."""
    return [folder for folder in PYTHON_FOLDERS if (ROOT / folder).is_dir()]


def configure() -> tuple[bool, str]:
    """A build folder with everything switched on, for its compile commands only; nothing is compiled in it."""
    switches = ["AERO_TESTS", "AERO_BENCH", "AERO_PYTHON", "AERO_FUZZ"]
    command = ["cmake", "-S", ".", "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19"]
    command += [f"-D{switch}=ON" for switch in switches] + [f"-DPython_EXECUTABLE={BIN / 'python'}"]
    return capture(command)


def check_house_rules() -> tuple[bool, str]:
    """tools/tidy.py with the compile commands of everything."""
    return capture([sys.executable, "tools/tidy.py", "--database", str(BUILD / "compile_commands.json")])


def check_docs() -> tuple[bool, str]:
    """tools/check_docs.py: links and commands in the documents."""
    return capture([sys.executable, "tools/check_docs.py"])


def check_clang_format() -> tuple[bool, str]:
    """Layout of C++."""
    return capture([str(BIN / "clang-format"), "--dry-run", "-Werror", *sources(".h", ".cc")])


def header_digest() -> str:
    """A digest of everything that can change what clang-tidy says about an unchanged .cc."""
    digest = hashlib.sha256()
    for name in [*sources(".h"), ".clang-tidy", "requirements/lint.txt"]:
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def check_clang_tidy() -> tuple[bool, str]:
    """clang-tidy over every compiled file that it has not passed in this state."""
    passed = BUILD / "passed"
    passed.mkdir(parents=True, exist_ok=True)
    common = header_digest()
    compiled = {os.path.realpath(entry["file"]) for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    names = [name for name in sources(".cc") if os.path.realpath(ROOT / name) in compiled]

    def check(name: str) -> str:
        key = hashlib.sha256(common.encode() + name.encode() + (ROOT / name).read_bytes()).hexdigest()
        if (passed / key).exists():
            return ""
        # -w: compiler warnings are the compiler's; here only the checks speak.
        succeeded, said = capture([str(BIN / "clang-tidy"), "-p", str(BUILD), "--quiet", "--extra-arg=-w", name])
        if succeeded:
            (passed / key).touch()
            return ""
        return said

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = "".join(pool.map(check, names))
    return not said, said


def check_ruff() -> tuple[bool, str]:
    """Lint rules of Python."""
    return capture([str(BIN / "ruff"), "check", "-q", *python_folders()])


def check_ruff_format() -> tuple[bool, str]:
    """Layout of Python."""
    return capture([str(BIN / "ruff"), "format", "-q", "--check", "--diff", *python_folders()])


def check_mypy() -> tuple[bool, str]:
    """Types, strictly."""
    return capture([str(BIN / "mypy"), "--cache-dir", str(BUILD / "mypy")])


def check_pyright() -> tuple[bool, str]:
    """Types, by a second opinion."""
    return capture([str(BIN / "pyright")])


def fix() -> None:
    """Mends what can be mended by a program."""
    capture([str(BIN / "clang-format"), "-i", *sources(".h", ".cc")])
    capture([str(BIN / "ruff"), "check", "-q", "--fix", *python_folders()])
    capture([str(BIN / "ruff"), "format", "-q", *python_folders()])


def main() -> int:
    """Runs the checks, prints a line each and the findings of those that fail."""
    checks = {
        "configure": configure,
        "house rules": check_house_rules,
        "documents": check_docs,
        "clang-format": check_clang_format,
        "clang-tidy": check_clang_tidy,
        "ruff": check_ruff,
        "ruff format": check_ruff_format,
        "mypy": check_mypy,
        "pyright": check_pyright,
    }
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fix", action="store_true", help="let formatters and ruff mend what they can first")
    parser.add_argument("only", nargs="*", metavar="CHECK", help=f"run only these of: {', '.join(checks)}")
    chosen = parser.parse_args()
    if chosen.fix:
        fix()
    failed = []
    for name, check in checks.items():
        if chosen.only and name not in chosen.only:
            continue
        start = time.monotonic()
        succeeded, said = check()
        print(f"{name:<14}{'ok' if succeeded else 'FAILED':<8}{time.monotonic() - start:6.1f} s", flush=True)
        if not succeeded:
            failed.append(name)
            print(said.rstrip())
    print(f"lint: {len(failed)} of {len(checks)} checks failed" + (f": {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
