"""Both type checkers agree with the expectations, and the stub with the native module.

The checkers are those of the project's own environment (`.venv`), whatever interpreter runs the tests: what they infer
does not depend on it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CHECKERS = ROOT / ".venv" / "bin" / "python"
PYTHON = str(CHECKERS) if CHECKERS.exists() else sys.executable


def run(*command):
    """Run a checker from the root of the project; gives status and what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("file", ["expectations.py", "misuses.py"])
def test_mypy_infers_what_is_expected(file):
    status, said = run(PYTHON, "-m", "mypy", "--no-error-summary", "--extra-checks", str(HERE / file))
    assert (status, said) == (0, "")


@pytest.mark.timeout(300)
def test_pyright_infers_what_is_expected():
    status, said = run(PYTHON, "-m", "pyright", "--pythonpath", PYTHON, str(HERE / "expectations.py"))
    assert status == 0, said
    assert "0 errors, 0 warnings" in said


@pytest.mark.timeout(300)
def test_the_package_passes_strict_mypy():
    status, said = run(PYTHON, "-m", "mypy", "--no-error-summary")
    assert (status, said) == (0, "")


@pytest.mark.timeout(300)
def test_the_stub_describes_the_native_module():
    status, said = run(PYTHON, "-m", "mypy.stubtest", "--concise", "aerospike_py._aerospike")
    assert status == 0, said
