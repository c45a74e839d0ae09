"""The CPythons of this machine, and a free-threaded one where its source can be had.

`python3 tools/interpreters.py` lists them: those named python3.10 .. python3.14 in PATH, those of pyenv, and the
free-threaded one in `.cache/`. `--ensure-free-threaded` first builds that one when there is none: the source comes from
the package archive that this Debian machine is configured for, so nothing else has to be reachable.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / ".cache/python-free-threaded"
WATCHED = ROOT / ".cache/python-thread-sanitizer"
MINORS = range(10, 15)
# The one place where the free-threaded interpreter of CI is pinned: upstream's archive, as Debian keeps it.
SOURCE = "python3.14_3.14.4.orig.tar.xz"
SOURCE_SHA256 = "d923c51303e38e249136fc1bdf3568d56ecb03214efdef48516176d3d7faaef8"
ASK = (
    "import json, platform, sys, sysconfig;"
    "print(json.dumps([platform.python_implementation(), list(sys.version_info[:3]),"
    " bool(sysconfig.get_config_var('Py_GIL_DISABLED')), sys.executable]))"
)


@dataclass(frozen=True)
class Interpreter:
    """One CPython."""

    version: tuple[int, int, int]
    free_threaded: bool
    path: str

    @property
    def tag(self) -> str:
        """As in `3.14t`."""
        return f"{self.version[0]}.{self.version[1]}{'t' if self.free_threaded else ''}"


def candidates() -> list[Path]:
    """Where interpreters may be, the likeliest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [OWN / "bin/python3", Path(sys.executable)]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found += [Path(folder) / f"python3.{minor}{kind}" for minor in MINORS for kind in ("", "t")]
    if pyenv.is_dir():
        found += [version / "bin/python3" for version in sorted(pyenv.iterdir(), reverse=True)]
    return [path for path in found if path.is_file()]


def ask(path: Path) -> Interpreter | None:
    """What an interpreter says of itself; nothing when it does not run (a pyenv shim without its version)."""
    try:
        outcome = subprocess.run([str(path), "-c", ASK], capture_output=True, text=True, check=False, timeout=20)
        kind, version, free_threaded, executable = json.loads(outcome.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    supported = kind == "CPython" and version[0] == 3 and version[1] in MINORS
    # 3.13 without the GIL was an experiment; the package supports free threading from 3.14.
    if not supported or (free_threaded and version[1] < 14):
        return None
    return Interpreter(tuple(version), free_threaded, executable)


def find() -> list[Interpreter]:
    """One interpreter for each supported version, oldest first."""
    by_tag: dict[str, Interpreter] = {}
    for path in candidates():
        known = ask(path)
        if known is not None:
            by_tag.setdefault(known.tag, known)
    return sorted(by_tag.values(), key=lambda known: (known.version, known.free_threaded))


def download_source(folder: Path) -> Path:
    """The upstream archive of Python 3.14 from the Debian archive that apt on this machine is configured for."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"]
    lines = subprocess.run(wanted, capture_output=True, text=True, check=True).stdout.splitlines()
    debian = sorted({line.split()[0] for line in lines if line.split()[1:] == ["Debian"]})
    if not debian:
        raise RuntimeError("apt knows no Debian archive")
    archive = folder / SOURCE
    with urllib.request.urlopen(f"{debian[0]}pool/main/p/python3.14/{SOURCE}", timeout=60) as reply:
        archive.write_bytes(reply.read())
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SOURCE_SHA256:
        raise RuntimeError(f"{SOURCE} has the checksum {found}, expected {SOURCE_SHA256}")
    return archive


def build_free_threaded(prefix: Path, *options: str, **environment: str) -> None:
    """Downloads and builds CPython 3.14 without the GIL into `.cache/`; takes about four minutes on two cores."""
    work = ROOT / "build" / prefix.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    archive = download_source(work)
    with tarfile.open(archive) as packed:
        packed.extractall(work / "source")
    source = next((work / "source").iterdir())
    jobs = f"-j{os.cpu_count()}"
    quiet = {"cwd": source, "check": True, "stdout": subprocess.DEVNULL, "timeout": 1800}
    quiet["env"] = os.environ | environment
    subprocess.run(["./configure", "-q", "--disable-gil", f"--prefix={prefix}", *options], **quiet)
    subprocess.run(["make", "-s", jobs], **quiet)
    # What is imported is compiled then; all of it now would take an interpreter that is watched a quarter of an hour.
    subprocess.run(["make", "-s", "install", "COMPILEALL_OPTS=--help"], **quiet)
    shutil.copytree(source / "Tools/tsan", prefix / "tsan", dirs_exist_ok=True)
    shutil.rmtree(work, ignore_errors=True)


def ensure_free_threaded() -> bool:
    """Whether there is a free-threaded interpreter in the end; says plainly why not."""
    if any(known.free_threaded for known in find()):
        return True
    print("no free-threaded CPython here; building one from the Debian source package", flush=True)
    try:
        build_free_threaded(OWN)
    except (OSError, RuntimeError, StopIteration, subprocess.SubprocessError, tarfile.TarError) as problem:
        print(f"could not build it ({type(problem).__name__}: {problem}); NOT TESTED on free-threaded CPython")
        return False
    return True


def ensure_watched() -> Path:
    """A free-threaded CPython that ThreadSanitizer watches, of the compiler that builds the extensions for it."""
    python = WATCHED / "bin/python3"
    if not python.exists():
        print("building a CPython that ThreadSanitizer watches", flush=True)
        build_free_threaded(WATCHED, "--with-thread-sanitizer", CC="clang-19", CXX="clang++-19")
    return python


def main() -> int:
    """Lists, after building where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ensure-free-threaded", action="store_true")
    chosen = parser.parse_args()
    if chosen.ensure_free_threaded:
        ensure_free_threaded()
    for known in find():
        print(f"{known.tag:<6} {'.'.join(map(str, known.version)):<8} {known.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
