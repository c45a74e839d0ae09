"""Puts in place what a task needs: Debian packages, the virtual environment, the installed package.

`python3 tools/setup.py system build test` looks for the packages of those groups (requirements/system.txt) and installs
what is missing when run as root; otherwise it says exactly which are missing and how to get them, and fails.
`python3 tools/setup.py venv test lint` makes `.venv` and installs those pinned lists (requirements/*.txt).
`python3 tools/setup.py package` installs this project into `.venv` (editable, Release, build directory `build/py`).

Needs nothing beyond the standard library, because it runs before anything else is there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILD_DIR = "build/py"


def run(*command: str) -> None:
    """Shows a command and runs it; ends the program when it fails."""
    print("+", " ".join(command), flush=True)
    outcome = subprocess.run(command, cwd=ROOT, check=False)
    if outcome.returncode != 0:
        sys.exit(f"setup: `{' '.join(command)}` failed with status {outcome.returncode}")


def include_folders() -> list[Path]:
    """The folders where the compiler looks for system headers."""
    machine = sysconfig.get_config_var("MULTIARCH") or ""
    folders = [Path("/usr/include"), Path("/usr/local/include")]
    return folders + ([Path("/usr/include") / machine] if machine else [])


def is_there(check: str) -> bool:
    """Whether a requirement of requirements/system.txt is met."""
    kind, _, what = check.partition(":")
    if kind == "command":
        return shutil.which(what) is not None
    if kind == "header":
        return any((folder / what).exists() for folder in include_folders())
    if kind == "file":
        return any(Path("/").glob(what.lstrip("/")))
    if what == "Python.h":
        return (Path(sysconfig.get_paths()["include"]) / what).exists()
    return subprocess.run([sys.executable, "-c", f"import {what}"], capture_output=True, check=False).returncode == 0


def missing_packages(groups: list[str]) -> list[str]:
    """Debian packages of these groups that are not there, in the order of the file."""
    missing = []
    for line in (ROOT / "requirements/system.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        group, package, check = line.split()
        if group in groups and not is_there(check):
            missing.append(package)
    return missing


def ensure_system(groups: list[str]) -> None:
    """Installs the missing packages as root; otherwise says which they are."""
    missing = missing_packages(groups)
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        # A third-party source that does not answer must not stop us: what counts is whether the packages install.
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
        still = missing_packages(groups)
        if still:
            sys.exit(f"setup: installed, and yet not found: {' '.join(still)} (see requirements/system.txt)")
        return
    sys.exit(
        f"setup: missing system packages: {' '.join(missing)}\n"
        f"       on Debian or Ubuntu: sudo apt-get install {' '.join(missing)}\n"
        f"       elsewhere install what provides them (requirements/system.txt says how each is recognised)"
    )


def backend() -> str:
    """The pinned build backend, as pyproject.toml names it."""
    found = re.search(r'^requires = \["([^"]+)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    if found is None:
        sys.exit("setup: pyproject.toml names no build backend")
    return found.group(1)


def pip(*arguments: str) -> None:
    """Runs pip of the virtual environment."""
    run(str(VENV / "bin/python"), "-m", "pip", "--disable-pip-version-check", *arguments)


def ensure_venv(lists: list[str]) -> None:
    """Makes `.venv` when it is absent or broken and installs the pinned lists."""
    python = VENV / "bin/python"
    works = python.exists() and subprocess.run([str(python), "-c", "import pip"], check=False).returncode == 0
    if not works:
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    wanted = [f"requirements/{name}.txt" for name in lists]
    pip("install", "-q", backend(), *[part for name in wanted for part in ("-r", name)])


def install_package() -> None:
    """Installs the project into `.venv`; a second time only what changed is compiled."""
    pip("install", "-q", "--no-deps", "--no-build-isolation", "-C", f"build-dir={BUILD_DIR}", "-e", ".")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("task", choices=["system", "venv", "package"])
    parser.add_argument("names", nargs="*", help="groups of packages or pinned lists")
    chosen = parser.parse_args()
    if sys.version_info < (3, 10):  # noqa: UP036 - this very check tells the owner of an older one
        sys.exit(f"setup: Python 3.10 or newer is needed, this is {sys.version.split()[0]}")
    if chosen.task == "system":
        ensure_system(chosen.names)
    elif chosen.task == "venv":
        ensure_venv(chosen.names)
    else:
        install_package()


if __name__ == "__main__":
    main()
