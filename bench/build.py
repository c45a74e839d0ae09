"""How the measured programs were built, and what they run on."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

from clients import ROOT


def first_line(*command: str) -> str:
    """The first line a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def cached(name: str) -> str:
    """A variable of the release build."""
    cache = (ROOT / "build/release/CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", cache, re.MULTILINE)
    return found.group(1) if found else ""


def compiler() -> str:
    """The compiler of the release build, as it calls itself."""
    return first_line(cached("CMAKE_CXX_COMPILER"), "--version")


def flags() -> str:
    """What it was told beyond what the project always says."""
    return " ".join(f"{cached('CMAKE_CXX_FLAGS')} {cached('CMAKE_CXX_FLAGS_RELEASE')}".split())


def processor() -> str:
    """The model name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
