"""Extensions of a CMake preset, laid beside the Python files of the package, and an environment that sees them.

Used by what runs the Python suites under sanitizers. A preset NAME has its folder `build/NAME`: in it `site/` with the
package and `venv/` with the interpreter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str, **environment: str) -> int:
    """Runs a command from the root of the project; gives its status."""
    print("+", " ".join(command[:8]), *(["..."] if len(command) > 8 else []), flush=True)
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False).returncode


def lay(preset: str, python: Path, *options: str, beside: Path | None = None) -> bool:
    """Builds the extensions and makes the environment of `python`; `options` are those of venv.

    Where `beside` names a folder of packages, those are seen after ours.
    """
    place = ROOT / "build" / preset
    package = place / "site/aerospike_py"
    if run("cmake", "--preset", preset, "-Wno-dev", "--log-level=WARNING") != 0:
        return False
    if run("cmake", "--build", "--preset", preset) != 0:
        return False
    shutil.rmtree(package, ignore_errors=True)
    if run("cmake", "--install", str(place), "--component", "python", "--prefix", str(place / "site")) != 0:
        return False
    for each in (ROOT / "python/aerospike_py").iterdir():
        if each.suffix in (".py", ".pyi", ".typed"):
            (package / each.name).symlink_to(each)
    if run(str(python), "-m", "venv", "--clear", *options, str(place / "venv")) != 0:
        return False
    (packages,) = (place / "venv/lib").glob("python3*/site-packages")
    seen = [place / "site"] + ([beside] if beside else [])
    (packages / "laid.pth").write_text("".join(f"{each}\n" for each in seen))
    return True
