#!/usr/bin/env python3
"""Makes the tables of docs/configuration.md from core/config.schema.json, which is made from the Rust types.

    python3 tests/docs/configuration.py            # writes the tables
    python3 tests/docs/configuration.py --check    # fails where the page says something else

Each object has a table of its members. What a member means, its default and its example are in the doc comment of the
Rust type: `(default 30)` or `(default: none)` within the text, and `Example: `...`.` as its last paragraph.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
SCHEMA = REPOSITORY / "core" / "config.schema.json"
PAGE = REPOSITORY / "docs" / "configuration.md"
BEGIN, END = "<!-- made by tests/docs/configuration.py -->\n", "<!-- end -->\n"

EXAMPLE = re.compile(r"\s*Example: `(.+)`\.$", re.DOTALL)
DEFAULT = re.compile(r" \(default:? ([^()]+)\)")

REQUIRED = "**required**"

Schema = dict[str, Any]


class Reader:
    """The schema, with its references followed."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: Schema = schema["$defs"]
        self._root = schema

    def objects(self) -> Iterator[tuple[str, Schema]]:
        """Every object with members of its own and where it stands, in the order in which they are met."""
        met, waiting = set(), [("The document", self._root)]
        while waiting:
            place, schema = waiting.pop(0)
            yield place, schema
            for name, member in schema["properties"].items():
                for reference in self._references(member):
                    definition = self._definitions[reference]
                    if "properties" in definition and reference not in met:
                        met.add(reference)
                        below = name if schema is self._root else f"{place}.{name}"
                        waiting.append((below, definition))

    def _references(self, schema: Any) -> Iterator[str]:
        """The definitions that a member may be or hold, through those that are no objects themselves."""
        if isinstance(schema, list):
            for item in schema:
                yield from self._references(item)
        elif isinstance(schema, dict):
            if "$ref" in schema:
                name = schema["$ref"].rpartition("/")[2]
                yield name
                if "properties" not in self._definitions[name]:
                    yield from self._references(self._definitions[name])
            for value in schema.values():
                yield from self._references(value)

    def type_of(self, schema: Any) -> str:
        """A type in words, with the range of a number and the values of an enumeration."""
        if schema is True or not schema.keys() & {"$ref", "anyOf", "oneOf", "enum", "const", "type"}:
            return "any JSON"
        if "$ref" in schema:
            definition = self._definitions[schema["$ref"].rpartition("/")[2]]
            return "object, below" if "properties" in definition else self.type_of(definition)
        if "anyOf" in schema or "oneOf" in schema:
            choices = [self.type_of(choice) for choice in schema.get("anyOf", schema.get("oneOf", []))]
            return one_of(list(dict.fromkeys(choice for choice in choices if choice != "null")))
        if "const" in schema:
            return f"`{json.dumps(schema['const'])}`"
        if "enum" in schema:
            return one_of([f"`{json.dumps(value)}`" for value in schema["enum"]])
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return one_of([self._plain(name, schema) for name in types if name != "null"]) or "null"

    def values_of(self, schema: Schema) -> Iterator[str]:
        """What each value of an enumeration means."""
        for reference in self._references(schema):
            for choice in self._definitions[reference].get("oneOf", []):
                yield f"`{json.dumps(choice['const'])}`: {' '.join(choice['description'].split())}"

    def _plain(self, name: str, schema: Schema) -> str:
        if name == "array":
            items = self.type_of(schema["items"])
            return "list" if items == "any JSON" else f"list of {several(items)}"
        if name == "object":
            values = schema.get("additionalProperties")
            return f"object of {several(self.type_of(values))}" if isinstance(values, dict) else "object"
        if name == "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return f"integer, {low} to {high}" if high is not None else f"integer, at least {low}"
        return name


def one_of(choices: list[str]) -> str:
    *others, last = choices or [""]
    return f"{', '.join(others)} or {last}" if others else last


def several(thing: str) -> str:
    return re.sub(r"\b(string|list|object)\b", r"\1s", thing)


def rows(schema: Schema, reader: Reader) -> Iterator[str]:
    yield "| member | type | default | meaning | example |"
    yield "| --- | --- | --- | --- | --- |"
    for name, member in schema["properties"].items():
        text = member.get("description", "")
        example = EXAMPLE.search(text)
        text = " ".join([*EXAMPLE.sub("", text).split(), *reader.values_of(member)])
        kind, default = reader.type_of(member), default_of(name, member, text, schema)
        cells = [
            f"`{name}`",
            kind,
            default,
            in_markdown(DEFAULT.sub("", text)),
            f"`{example[1]}`" if example else another(kind, default),
        ]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def default_of(name: str, member: Schema, text: str, schema: Schema) -> str:
    if name in schema.get("required", []):
        return REQUIRED
    if said := DEFAULT.search(text):
        return said[1]
    default = member.get("default")
    if "$ref" in member and "default" not in member:
        return ""
    if default is None or default in ([], {}, ""):
        return "none"
    return f"`{json.dumps(default)}`"


def another(kind: str, default: str) -> str:
    """An example where a type has few values: one that is not the default."""
    values = ["`true`", "`false`"] if kind == "boolean" else re.findall(r"`[^`]+`", kind)
    return next((value for value in values if value.strip('`"') != default.strip("`")), "")


def in_markdown(text: str) -> str:
    """Rust's links to items are names here."""
    return re.sub(r"\[(`[^`]+`)\](?:\([^)]*\))?", r"\1", text)


def tables() -> str:
    reader = Reader(json.loads(SCHEMA.read_text(encoding="utf-8")))
    parts = []
    for place, schema in reader.objects():
        heading = f"### {place}" if place == "The document" else f"### `{place}`"
        about = in_markdown(" ".join(schema["description"].split()))
        parts.append("\n".join([heading, "", about, "", *rows(schema, reader)]) + "\n")
    return "\n".join(parts)


def main() -> int:
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    written, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"docs/configuration.md: expected {BEGIN.strip()} and {END.strip()}")
    made = f"\n{tables()}\n"
    if sys.argv[1:] == ["--check"]:
        if written != made:
            print("docs/configuration.md: run python3 tests/docs/configuration.py", file=sys.stderr)
            return 1
    else:
        PAGE.write_text(before + begin + made + end + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
