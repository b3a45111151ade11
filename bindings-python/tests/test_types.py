"""Types: what the package promises to type checkers, and generated sources."""

from __future__ import annotations

import json
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

from scopegate import (
    AuthorizationServer,
    ClientAudience,
    ClientCertificate,
    Configuration,
    DistrustedKey,
    Events,
    Http,
    Keys,
    KeySnapshot,
    Policy,
    PresetName,
    Reason,
    SourceSnapshot,
    TokenCache,
    _scopegate,
)

BINDING = Path(__file__).parent.parent


def run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=BINDING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_package_examples_and_tests_are_strictly_typed() -> None:
    run("-m", "mypy", "--strict", "python/scopegate", "examples", "tests", "generate_reason.py")


def test_package_is_strictly_typed_on_the_oldest_python() -> None:
    run("-m", "mypy", "--strict", "--python-version", "3.10", "python/scopegate")


def test_stubs_agree_with_the_native_module() -> None:
    run("-m", "mypy.stubtest", "scopegate", "--allowlist", "stubtest-allowlist.txt")


def test_reasons_are_those_of_the_core() -> None:
    run("generate_reason.py", "--check")
    assert typing.get_args(Reason) == tuple(name for name, _ in _scopegate.reasons())


def test_presets_are_those_of_the_schema() -> None:
    schema = json.loads((BINDING.parent / "core" / "config.schema.json").read_text(encoding="utf-8"))
    assert list(typing.get_args(PresetName)) == schema["$defs"]["PresetName"]["enum"]


def test_the_types_have_every_key_of_the_configuration_and_no_other() -> None:
    schema = json.loads((BINDING.parent / "core" / "config.schema.json").read_text(encoding="utf-8"))
    nested: dict[Any, str] = {
        AuthorizationServer: "AuthorizationServer",
        ClientAudience: "ClientAudience",
        ClientCertificate: "ClientCertificate",
        DistrustedKey: "DistrustedKey",
        Events: "EventsConfig",
        TokenCache: "TokenCacheConfig",
        Http: "HttpConfig",
        KeySnapshot: "KeySnapshot",
        Keys: "KeysConfig",
        Policy: "PolicyConfig",
        SourceSnapshot: "SourceSnapshot",
    }
    described: dict[Any, Any] = {Configuration: schema, **{of: schema["$defs"][name] for of, name in nested.items()}}
    assert {name for name, of in schema["$defs"].items() if "properties" in of} == set(nested.values())
    for of, object_schema in described.items():
        assert set(typing.get_type_hints(of)) == set(object_schema["properties"]), of
        assert of.__required_keys__ == set(object_schema.get("required", ())), of
