"""The wheel and the source package, each installed in an empty environment outside the repository and used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

BINDING = Path(__file__).parent.parent
LICENCES = ("LICENSE-MIT", "LICENSE-APACHE")
PROGRAM = """
import json
from scopegate import Rejected, ResourceServer
from scopegate.asgi import ScopegateMiddleware
from scopegate.testing import Issuer

issuer = Issuer("https://mcp.test/mcp")
policy = {"default": "deny", "tools": {"weather": ["mcp:tools:weather"]}}
gate = ResourceServer(resource="https://mcp.test/mcp", authorization_servers=[issuer.server()], policy=policy)
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "weather"}}).encode()
token = gate.authorize(issuer.authorization(scope="mcp:tools:weather", sub="alice"), method="POST", body=body)
try:
    gate.authorize(None)
except Rejected as refusal:
    print(token.subject, refusal.status)
"""


def test_licences_are_those_of_the_repository() -> None:
    for licence in LICENCES:
        assert (BINDING / licence).read_bytes() == (BINDING.parent / licence).read_bytes()


def maturin(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "maturin", *arguments], cwd=BINDING, check=True)


def use(artefact: Path, folder: Path) -> None:
    """Installs the artefact, and nothing else, and runs a program with it."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CARGO_TARGET_DIR")}
    subprocess.run([python, "-m", "pip", "install", "-q", str(artefact)], cwd=folder, env=environment, check=True)
    done = subprocess.run([python, "-I", "-c", PROGRAM], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alice", "401"]


@pytest.mark.packaging
def test_wheel_installs_and_works(tmp_path: Path) -> None:
    maturin("build", "--release", "--locked", "--out", str(tmp_path / "dist"))
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"scopegate/py.typed", "scopegate/_scopegate.pyi"} <= set(names)
    for licence in LICENCES:
        assert any(name.endswith(f".dist-info/licenses/{licence}") for name in names), licence
    use(wheel, tmp_path)


@pytest.mark.packaging
def test_source_package_installs_and_works(tmp_path: Path) -> None:
    maturin("sdist", "--out", str(tmp_path / "dist"))
    (archive,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"PKG-INFO", "Cargo.lock", "core/Cargo.toml", "core/src/lib.rs", "bindings-python/src/lib.rs"} <= names
    ours = {name.split("/")[1] for name in names if name.startswith("bindings-python/")}
    assert ours == {"Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src"}
    for licence in LICENCES:
        assert any(name.endswith(licence) for name in names), licence
    use(archive, tmp_path)
