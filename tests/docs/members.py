#!/usr/bin/env python3
"""Writes what each member of the configuration means beside it, where editors show it: in the types of Python and of
TypeScript.

    python3 tests/docs/members.py            # writes the comments
    python3 tests/docs/members.py --check    # fails where a comment says something else

The text is that of docs/configuration.md: from core/config.schema.json, which is made from the Rust types.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from configuration import DEFAULT, EXAMPLE, REPOSITORY, REQUIRED, SCHEMA, Reader, Schema, default_of, in_markdown

PYTHON = REPOSITORY / "bindings-python" / "python" / "scopegate" / "_config.py"
TYPESCRIPT = REPOSITORY / "bindings-node" / "types" / "configuration.d.ts"
WIDTH = 120

OBJECTS = {
    "Configuration": "",
    "_Required": "",
    "_Optional": "",
    "ConfigurationMembers": "",
    "AuthorizationServer": "AuthorizationServer",
    "_Issuer": "AuthorizationServer",
    "ClientAudience": "ClientAudience",
    "Policy": "PolicyConfig",
    "_Default": "PolicyConfig",
    "DistrustedKey": "DistrustedKey",
    "TokenCache": "TokenCacheConfig",
    "TokenCacheSettings": "TokenCacheConfig",
    "Events": "EventsConfig",
    "EventsSettings": "EventsConfig",
    "Keys": "KeysConfig",
    "KeySettings": "KeysConfig",
    "KeySnapshot": "KeySnapshot",
    "SourceSnapshot": "SourceSnapshot",
    "Http": "HttpConfig",
    "HttpSettings": "HttpConfig",
    "ClientCertificate": "ClientCertificate",
}
"""A type of Python or TypeScript -> the definition of the schema that has its members; the document's is empty."""

CLASS = re.compile(r"class (?P<name>\w+)\(.*\):\n")
INTERFACE = re.compile(r"export interface (?P<name>\w+) \{\n")
ATTRIBUTE = re.compile(r'(?P<member>    (?P<name>\w+): [^\n]+\n)(?:    """(?:(?!""").)*"""\n)?', re.DOTALL)
PROPERTY = re.compile(r"(?:  /\*\*(?:(?!\*/).)*\*/\n)?(?P<member>  (?P<name>\w+)\??: [^\n]+;\n)", re.DOTALL)


def sentences(name: str, schema: Schema, reader: Reader) -> str:
    """What a member means, its range and its default."""
    member = schema["properties"][name]
    text = EXAMPLE.sub("", member.get("description", ""))
    text = " ".join([*text.split(), *reader.values_of(member)])
    parts = [in_markdown(DEFAULT.sub("", text))]
    kind, default = reader.type_of(member), default_of(name, member, text, schema)
    if ranged := re.search(r"integer, (.+ to .+)", kind):
        parts.append(f"Range: {ranged[1]}.")
    if default == REQUIRED:
        parts.append("Required.")
    elif default and (default != "none" or kind.startswith("integer")):
        parts.append(f"Default: {default}.")
    return " ".join(parts)


def wrapped(text: str, margin: str) -> str:
    lines = textwrap.wrap(text, WIDTH - len(margin), break_long_words=False, break_on_hyphens=False)
    return "\n".join(margin + line for line in lines)


def docstring(text: str) -> str:
    text = text.replace("`", "``").replace("``true``", "``True``").replace("``false``", "``False``")
    if len(text) + 10 <= WIDTH:
        return f'    """{text}"""\n'
    return wrapped('"""' + text, "    ") + '\n    """\n'


def comment(text: str) -> str:
    text = text.replace("`export_keys`", "`exportKeys`")
    if len(text) + 9 <= WIDTH:
        return f"  /** {text} */\n"
    return f"  /**\n{wrapped(text, '   * ')}\n   */\n"


def types(source: str, opening: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """The source in parts: each type with its name, and what stands before the first."""
    found = list(opening.finditer(source))
    yield "", source[: found[0].start()]
    for this, following in zip(found, [*found[1:], None], strict=True):
        yield this["name"], source[this.start() : following.start() if following else len(source)]


def properties(schema: Schema, definition: str) -> Schema:
    """The definition with the members of a type of the configuration."""
    found: Schema = schema["$defs"][definition] if definition else schema
    return found


def with_texts(text: str, language: Language, said: dict[str, str]) -> str:
    return language.member.sub(lambda found: language.beside(found["member"], said[found["name"]]), text)


def written(source: str, language: Language) -> str:
    """The source with the text of each member of each type that is the configuration's put beside it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    reader = Reader(schema)
    parts = []
    for name, text in types(source, language.opening):
        if name in OBJECTS:
            definition = properties(schema, OBJECTS[name])
            said = {member: sentences(member, definition, reader) for member in definition["properties"]}
            text = with_texts(text, language, said)
        parts.append(text)
    return "".join(parts)


class Language(NamedTuple):
    """Where a language has the types, and how a member and its text stand there."""

    path: Path
    opening: re.Pattern[str]
    member: re.Pattern[str]
    beside: Callable[[str, str], str]


LANGUAGES = [
    Language(PYTHON, CLASS, ATTRIBUTE, lambda member, text: member + docstring(text)),
    Language(TYPESCRIPT, INTERFACE, PROPERTY, lambda member, text: comment(text) + member),
]


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    stale = 0
    for language in LANGUAGES:
        source = language.path.read_text(encoding="utf-8")
        made = written(source, language)
        if check and made != source:
            print(f"{language.path.relative_to(REPOSITORY)}: run python3 tests/docs/members.py", file=sys.stderr)
            stale = 1
        elif made != source:
            language.path.write_text(made, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
