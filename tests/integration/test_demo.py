"""The demo runs to its end, in a pipe, on a terminal, and without NumPy."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

SMALL = ["--records", "250", "--rounds", "10"]
WITHOUT_NUMPY = (
    "import sys; sys.modules['numpy'] = None; from aerospike_py import demo; sys.exit(demo.main(sys.argv[1:]))"
)


def run(*command, **environment):
    """Run the demo with its output in a pipe."""
    done = subprocess.run(
        [sys.executable, *command, *SMALL],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def conclusion(text):
    """The lines under the last heading."""
    return text.split("What the figures say\n")[1].split("\n\n")[0].splitlines()


@pytest.mark.timeout(120)
def test_in_a_pipe_it_is_plain_text_of_a_hundred_columns():
    text = run("-m", "aerospike_py.demo")
    assert "\x1b" not in text
    assert "\r" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert len(re.findall(r"^loading 2,250 records \[#{50}\]$", text, re.MULTILINE)) == 1
    for form in ("dict", "NumPy"):
        for shape in ("9 gathered calls of 200 keys", "one call of 1,800 keys"):
            assert f"Stages of {shape}, as {form}" in text
    assert len(re.findall(r"^io +\d+ .*(held|free|waits) ", text, re.MULTILINE)) == 4
    share = re.search(r"stopwatch saw around each call of 1,800 keys, ([\d.]+)% is accounted for", text)
    assert 90.0 < float(share.group(1)) <= 100.0
    assert len(conclusion(text)) == 3


@pytest.mark.timeout(120)
def test_without_numpy_it_leaves_that_part_out_and_says_so():
    text = run("-c", WITHOUT_NUMPY)
    assert "NumPy is not installed" in text
    assert "as NumPy" not in text
    assert len(conclusion(text)) == 3


@pytest.mark.timeout(120)
def test_an_encoding_without_blocks_gets_plain_bars():
    text = run("-m", "aerospike_py.demo", PYTHONIOENCODING="ascii")
    assert re.search(r"^io .*free +#+$", text, re.MULTILINE)


@pytest.mark.timeout(120)
def test_on_a_terminal_it_has_colours_and_a_moving_bar():
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "aerospike_py.demo", *SMALL],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
    )
    os.close(theirs)
    said, deadline = b"", time.monotonic() + 100
    while time.monotonic() < deadline and select.select([ours], [], [], 100)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    errors = process.communicate(timeout=20)[1]
    assert (process.returncode, errors) == (0, b"")
    assert b"\x1b[36m" in said
    assert b"\rloading" in said
    assert b"100%" in said
