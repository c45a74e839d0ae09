"""What the audit of dependencies makes of what it is told; nothing is fetched."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import audit

HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": [], "description": "x"}
KNOWN = {"name": audit.CANARY[0], "version": audit.CANARY[1], "vulns": [HOLE]}
CLEAN = {"name": "pytest", "version": "9.0", "vulns": []}
BROKEN = {"name": "numpy", "version": "1.0", "vulns": [HOLE]}
UNKNOWN = {"name": "mypy", "skip_reason": "not found"}


@pytest.fixture
def audited(monkeypatch, capsys):
    """Runs the audit on a report, or on what pip-audit says instead of one; gives its status and what it printed."""

    def run(report, said=""):
        asked = []
        monkeypatch.setattr(audit, "look_up", lambda packages: asked.append(packages) or (report, said))
        status = audit.main()
        assert asked[0][audit.CANARY[0]] == audit.CANARY[1]
        return status, capsys.readouterr().out

    return run


def test_a_known_hole_fails_and_is_named(audited):
    status, printed = audited([KNOWN, CLEAN, BROKEN])
    assert status == 1
    assert "numpy 1.0: PYSEC-1, mended in 2.0" in printed
    assert "1 findings" in printed


def test_a_package_that_the_database_does_not_know_fails(audited):
    status, printed = audited([KNOWN, CLEAN, UNKNOWN])
    assert status == 1
    assert "mypy: not audited: not found" in printed


def test_silence_about_all_others_passes(audited):
    status, printed = audited([KNOWN, CLEAN])
    assert status == 0
    assert "0 findings" in printed


@pytest.mark.parametrize(
    "report", [[], [CLEAN], [{**KNOWN, "vulns": []}], [{"name": audit.CANARY[0], "skip_reason": "not found"}, CLEAN]]
)
def test_a_database_that_does_not_name_the_canary_audited_nothing(audited, report):
    status, printed = audited(report, "no route")
    assert status == 0
    assert "NOT AUDITED" in printed
    assert "no route" in printed
    assert "findings" not in printed


def test_why_nothing_was_audited_is_told(audited):
    assert "not found here" in audited([{"name": audit.CANARY[0], "skip_reason": "not found here"}])[1]
    assert f"knows no hole of {audit.CANARY[0]}" in audited([CLEAN])[1]


def test_the_list_of_licences_names_every_pinned_package_once():
    listed = audit.listed_licences(audit.read("requirements/README.md"))
    assert {"numpy", "scikit-build-core", "pytest", "ruff", "pip-audit"} <= audit.pinned()
    assert set(listed) == audit.pinned()


@pytest.mark.parametrize(
    ("pins", "listed", "declared", "said"),
    [
        ({"a", "b"}, {"a": "MIT"}, {"a": "MIT"}, "b is pinned and has no row"),
        ({"a"}, {"a": "MIT", "b": "MIT"}, {"a": "MIT"}, "b has a row"),
        ({"a"}, {"a": "MIT"}, {"a": "GPL-3.0-only"}, "a declares GPL-3.0-only"),
    ],
)
def test_a_list_of_licences_that_is_not_true_is_reported(pins, listed, declared, said):
    (problem,) = audit.licence_problems(pins, listed, declared)
    assert said in problem


def test_a_licence_declared_in_an_older_way_is_taken_as_listed():
    assert list(audit.licence_problems({"a"}, {"a": "MIT"}, {"a": None})) == []
