"""Installs the library as a C++ user would, builds examples/cpp against the installed tree, and runs it.

Public headers only may be installed; the example finds the package by `find_package(aero)` and talks to the embedded
server of the package installed in `.venv`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tidy import ROOT

PLACE = ROOT / "build/installed"
EXAMPLE = ROOT / "build/example"
SERVE = """
import subprocess, sys
from aerospike_py.testing import Server
with Server(nodes=3) as server:
    host, port = server.hosts[0]
    sys.exit(subprocess.run([sys.argv[1], host, str(port)], timeout=60).returncode)
"""


def run(*command: str) -> None:
    """Runs a command from the root; ends the program when it fails."""
    print("+", " ".join(command[:6]), flush=True)
    if subprocess.run(command, cwd=ROOT, check=False, timeout=900).returncode != 0:
        sys.exit(f"check_example: `{' '.join(command[:6])}` failed")


def main() -> None:
    """Install, look, build, run."""
    for folder in (PLACE, EXAMPLE):
        shutil.rmtree(folder, ignore_errors=True)
    run("cmake", "--preset", "release", "-Wno-dev", "--log-level=WARNING")
    run("cmake", "--build", "--preset", "release")
    run("cmake", "--install", "build/release", "--prefix", str(PLACE))
    installed = {path.relative_to(PLACE / "include").as_posix() for path in PLACE.glob("include/**/*.h")}
    public = {path.relative_to(ROOT / "core/include").as_posix() for path in ROOT.glob("core/include/**/*.h")}
    if installed != public:
        sys.exit(f"check_example: installed headers are not the public ones: {sorted(installed ^ public)}")
    run("cmake", "-S", "examples/cpp", "-B", str(EXAMPLE), "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={PLACE}")
    run("cmake", "--build", str(EXAMPLE))
    run(str(ROOT / ".venv/bin/python"), "-c", SERVE, str(EXAMPLE / "read_features"))
    print(f"example: built from the installed tree ({len(installed)} headers) and run")


if __name__ == "__main__":
    main()
