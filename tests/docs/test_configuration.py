"""docs/configuration.md says what the schema says, and its examples are accepted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configuration import EXAMPLE, PAGE, SCHEMA, Reader
from members import LANGUAGES, OBJECTS, Language, properties, sentences, types
from pages import read

from scopegate import ConfigError, ResourceServer

DOCUMENT: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
ISSUER = "https://as.example.com"
BASE = {"resource": "https://mcp.example.com/mcp", "authorization_servers": [ISSUER]}
ISSUERS = {"tenants": "https://as.example.com/{tenant}", "preset": "https://as.example.com/realms/main"}
"""Members of an authorization server whose examples are about another issuer than the usual one."""

WITHIN: dict[str, Callable[[str, Any], dict[str, Any]]] = {
    "": lambda name, value: {name: value},
    "AuthorizationServer": lambda name, value: {
        "authorization_servers": [{"issuer": ISSUERS.get(name, ISSUER)} | {name: value}]
    },
    "PolicyConfig": lambda name, value: {"policy": {"default": "deny"} | {name: value}},
    "KeysConfig": lambda name, value: {"keys": {name: value}},
    "HttpConfig": lambda name, value: {"http": {name: value}},
    "TokenCacheConfig": lambda name, value: {"token_cache": {name: value}},
    "EventsConfig": lambda name, value: {"events": {name: value}},
}
"""Where a member of an object, or of the document itself, stands in a configuration."""


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Each member that has an example, with a configuration in which it stands."""
    found = []
    for definition, within in WITHIN.items():
        schema = DOCUMENT["$defs"][definition] if definition else DOCUMENT
        for name, member in schema["properties"].items():
            if example := EXAMPLE.search(member.get("description", "")):
                found.append((f"{definition or 'Config'}.{name}", BASE | within(name, json.loads(example[1]))))
    return found


@pytest.mark.parametrize("maker", ["configuration.py", "members.py"])
def test_what_is_made_from_the_schema_is_current(maker: str) -> None:
    done = subprocess.run([sys.executable, str(Path(__file__).with_name(maker)), "--check"])
    assert done.returncode == 0


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: str(language.path.name))
def test_every_member_has_its_text_in_editors(language: Language) -> None:
    found = {
        (OBJECTS[name], member["name"])
        for name, text in types(language.path.read_text(encoding="utf-8"), language.opening)
        if name in OBJECTS
        for member in language.member.finditer(text)
    }
    of = {definition: properties(DOCUMENT, definition)["properties"] for definition in OBJECTS.values()}
    assert found == {(definition, name) for definition, members in of.items() for name in members}


@pytest.mark.parametrize(("name", "configuration"), examples(), ids=[name for name, _ in examples()])
def test_example_is_accepted(name: str, configuration: dict[str, Any]) -> None:
    try:
        ResourceServer.from_json(json.dumps(configuration))
    except ConfigError as error:
        # A file of an example is on no machine.
        assert "/etc/scopegate/" in json.dumps(configuration), (name, error)
        assert all("file" in mistake.path for mistake in error.errors), (name, error)


def test_go_says_the_same_ranges_and_defaults() -> None:
    fields = re.findall(r'((?:\t// .+\n)+)\t\w+ +\S+ +`json:"(\w+)', read("bindings-go/config.go"))
    reader, checked = Reader(DOCUMENT), set()
    for definition in set(OBJECTS.values()):
        of = properties(DOCUMENT, definition)
        for name in of["properties"]:
            numbers = re.findall(r"\d+(?= to)|(?<=to )\d+|(?<=Default: )\d+", sentences(name, of, reader))
            if numbers:
                texts = [set(re.findall(r"\d+", text)) for text, tag in fields if tag == name]
                assert any(set(numbers) <= text for text in texts), (definition, name, numbers)
                checked.add(name)
    assert len(checked) == 13


def test_every_variable_is_in_the_table() -> None:
    variables = re.findall(r'const \w+: &str = "(SCOPEGATE_\w+)";', read("core/src/config/environment.rs"))
    assert len(variables) == 7
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in variables if f"| `{name}` |" not in page] == []
