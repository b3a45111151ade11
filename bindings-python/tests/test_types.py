"""Types: what the package promises to type checkers, and generated sources."""

from __future__ import annotations

import subprocess
import sys
import typing
from pathlib import Path

from scopegate import Configuration, Reason, _scopegate

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


def test_every_configuration_key_has_a_type() -> None:
    """The core names the nearest key it knows for each one it does not; so it is asked about each of ours."""
    import json

    from scopegate import AuthorizationServer, ConfigError, Http, Keys, Policy, ResourceServer

    def unknown(document: object) -> list[str]:
        try:
            ResourceServer.from_json(json.dumps(document))
        except ConfigError as error:
            return [mistake.path for mistake in error.errors if "unknown" in mistake.message]
        return []

    def members(of: object) -> dict[str, None]:
        return dict.fromkeys(typing.get_type_hints(of))

    nested = {"policy": members(Policy), "keys": members(Keys), "http": members(Http)}
    document = {**members(Configuration), **nested, "authorization_servers": [members(AuthorizationServer)]}
    assert unknown(document) == []
    assert unknown({**document, "surprise": None}) == ["surprise"]
