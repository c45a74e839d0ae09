"""Asks whether a package used to build, test or measure has a known hole, and keeps the list of licences true.

`make audit`. pip-audit looks up everything that is installed in `.venv`, what pinned packages brought along included,
but not pip and setuptools, which come with Python. An old version with a hole that everybody knows is looked up with
the rest: only a database that names it was reached and works, and only then does its silence about the others mean
anything. Where none is reached the program says that nothing was audited, and fails nothing. The licences of the pinned
packages stand in requirements/README.md; that is checked without a database.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from tidy import ROOT, read

CANARY = ("jinja2", "2.10")  # CVE-2019-10906
NOT_OURS = {"pip", "setuptools", "aerospike-py-cpp"}
SECONDS_PER_ANSWER = 10
SECONDS_MAX = 240


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> set[str]:
    """Packages that requirements/ and the build backend of pyproject.toml name."""
    lists = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "requirements").glob("*.txt"))]
    lines = [line for text in lists for line in text.splitlines()]
    lines += re.findall(r'^requires = \["([^"]+)"\]', read("pyproject.toml"), re.MULTILINE)
    return {normal(name) for name in re.findall(r"^([\w.-]+)==", "\n".join(lines), re.MULTILINE)}


def installed() -> dict[str, str]:
    """Name and version of what this interpreter has, without what is not ours to choose."""
    found = {normal(each.metadata["Name"]): each.version for each in metadata.distributions()}
    return {name: version for name, version in sorted(found.items()) if name not in NOT_OURS}


# ---- licences --------------------------------------------------------------------------------------------------------


def listed_licences(document: str) -> dict[str, str]:
    """Package and licence as the table under "Licences" has them; a row may name several packages."""
    _, _, section = document.partition("## Licences")
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", section, re.MULTILINE)
    return {normal(name): licence for names, licence in rows for name in names.split(", ") if name != "package"}


def declared_licence(name: str) -> str | None:
    """The SPDX expression of an installed package; None where it declares its licence in an older way."""
    expression: str | None = metadata.metadata(name).get("License-Expression")
    return expression


def licence_problems(pins: set[str], listed: dict[str, str], declared: dict[str, str | None]) -> Iterator[str]:
    """Pinned packages without a row, rows without a package, and rows that say something else than the package."""
    for name in sorted(pins - set(listed)):
        yield f"{name} is pinned and has no row under Licences of requirements/README.md"
    for name in sorted(set(listed) - pins):
        yield f"{name} has a row under Licences of requirements/README.md and is not pinned; remove the row"
    for name, licence in sorted(declared.items()):
        if licence is not None and listed.get(name, licence) != licence:
            yield f"{name} declares {licence}, requirements/README.md says {listed[name]}"


# ---- known holes -----------------------------------------------------------------------------------------------------


def look_up(packages: dict[str, str]) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit reports of these versions and, where it reports nothing, the last line it said."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "installed.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(wanted)]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", str(SECONDS_PER_ANSWER)]
        try:
            outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return [], f"no answer within {SECONDS_MAX} s"
    try:
        return list(json.loads(outcome.stdout)["dependencies"]), ""
    except ValueError:
        return [], (outcome.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]


def holes(report: list[dict[str, Any]]) -> Iterator[str]:
    """Known holes of all but the canary, and packages the database does not know."""
    for each in report:
        if each["name"] == CANARY[0]:
            continue
        if "skip_reason" in each:
            yield f"{each['name']}: not audited: {each['skip_reason']}"
        for hole in each.get("vulns", []):
            mended = ", ".join(hole["fix_versions"]) or "no version yet"
            yield f"{each['name']} {each['version']}: {hole['id']}, mended in {mended}"


def why_not_audited(report: list[dict[str, Any]], said: str) -> str:
    """Why the hole that everybody knows was not named; nothing when it was."""
    canary = next((each for each in report if each["name"] == CANARY[0]), {})
    if canary.get("vulns"):
        return ""
    return said or str(canary.get("skip_reason", f"the database knows no hole of {' '.join(CANARY)}"))


def main() -> int:
    """Prints what was found, and a line for each of the two questions."""
    pins, packages = pinned(), installed()
    declared = {name: declared_licence(name) for name in sorted(pins & set(packages))}
    wrong = list(licence_problems(pins, listed_licences(read("requirements/README.md")), declared))
    print("\n".join([*wrong, f"licences: {len(pins)} pinned packages, {len(wrong)} problems"]), flush=True)
    assert CANARY[0] not in packages, "choose a canary that nothing installs: it would not be audited"
    report, said = look_up({**packages, CANARY[0]: CANARY[1]})
    if why := why_not_audited(report, said):
        print(f"known holes: NOT AUDITED, no database was reached: {why}")
        return 1 if wrong else 0
    found = list(holes(report))
    print("\n".join([*found, f"known holes: {len(packages)} packages audited, {len(found)} findings"]))
    return 1 if wrong or found else 0


if __name__ == "__main__":
    sys.exit(main())
