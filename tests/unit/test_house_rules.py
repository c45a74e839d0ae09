"""The rules of the house find what they are made for, and let pass what is right."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import check_docs
import tidy


def problems(check, *arguments):
    """What a rule says about a file."""
    return list(check(*arguments))


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("core/src/wire/x.cc", '#include "io/reactor.h"', "wire may not use io"),
        ("core/src/io/x.h", '#include "wire/message.h"', "io may not use wire"),
        ("core/src/base/x.h", '#include "wire/digest.h"', "base may not use wire"),
        ("server/src/x.cc", '#include "cluster/view.h"', "server may not use cluster"),
        ("bindings/x.cc", '#include "command/call.h"', "bindings may not use command"),
        ("core/include/aero/x.h", '#include "base/bytes.h"', "core/include may not use base"),
        ("core/src/odd/x.cc", "", "has no place in the order of layers"),
    ],
)
def test_an_include_that_points_upwards_is_reported(name, line, said):
    found = problems(tidy.check_dependencies, name, line)
    assert found
    assert said in found[0]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("core/src/client/x.cc", '#include "wire/message.h"'),
        ("core/src/wire/x.cc", '#include "aero/error.h"'),
        ("server/src/x.cc", '#include "wire/batch.h"'),
        ("bindings/x.cc", '#include "wire/digest.h"'),
        ("core/src/io/x.cc", "#include <vector>"),
    ],
)
def test_an_include_that_points_downwards_passes(name, line):
    assert problems(tidy.check_dependencies, name, line) == []


@pytest.mark.parametrize(
    "line",
    [
        "path = '/" + "root/build/x'",
        "# TO" + "DO: later",
        "@pytest.mark." + "skip",
        "raise NotImplemented" + "Error",
        "TEST(codec, DIS" + "ABLED_round_trip)",
    ],
)
def test_words_that_do_not_belong_are_reported(line):
    assert len(problems(tidy.check_words, "x.py", line)) == 1


def test_an_open_end_with_its_issue_passes():
    assert problems(tidy.check_words, "x.py", "# TO" + "DO(#12): wider lanes") == []


def test_long_functions_and_files_are_reported():
    body = "def long():\n" + "    pass\n" * tidy.FUNCTION_LINES_MAX
    assert "long has 71 lines" in problems(tidy.check_functions, "x.py", body)[0]
    text = "x = 1\n" * (tidy.FILE_LINES_MAX + 1)
    assert "501 lines, at most 500" in problems(tidy.check_length, "x.py", text, {})[0]
    assert problems(tidy.check_length, "x.py", text, {"x.py": (501, "a table")}) == []


def test_a_link_to_nowhere_is_reported():
    text = "[here](README.md), [there](docs/absent.md), [outside](https://example.com/x)\n"
    assert problems(check_docs.check_links, "README.md", text) == [
        "README.md:1: link to docs/absent.md, which does not exist"
    ]


def test_a_command_that_does_not_exist_is_reported():
    assert problems(check_docs.check_commands, "x.md", "`make build` or `make coffee`\n", {"build"}) == [
        "x.md:1: `make coffee` does not exist"
    ]
