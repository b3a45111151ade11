"""What the figures of a benchmark were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}"


VERSIONS: Mapping[str, Callable[[], str]] = {
    "rustc": lambda: version_of("rustc", "--version").split()[1],
    "valgrind": lambda: version_of("valgrind", "--version").removeprefix("valgrind-"),
    "CPython": lambda: sys.version.split()[0],
    "Node.js": lambda: version_of("node", "--version"),
    "Go": lambda: version_of("go", "env", "GOVERSION").removeprefix("go"),
}


def versions_of(*names: str) -> dict[str, str]:
    """The versions of compilers, interpreters and tools, by the names that reports have for them."""
    return {name: VERSIONS[name]() for name in names}


def version_of(*command: object) -> str:
    """What a program prints about itself."""
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
