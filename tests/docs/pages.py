"""The Markdown of the repository: its pages, the blocks of code in them, their headings and links.

python3 tests/docs/pages.py    # writes blocks.json anew, once there are more blocks, or less
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
NOT_OURS = {"node_modules", "target", "build", ".git"}
COUNTS = Path(__file__).with_name("blocks.json")
"""How many blocks of each language there are: whoever runs a language counts what it ran against it."""

CONTINUES = "<!-- continues -->"
"""Stands above a block that goes on where the block of the same language before it ended: both are one program."""


@dataclass(frozen=True)
class Block:
    """A block of code. Its language is the first word of its fence; an indented one has the language ``indented``."""

    page: str
    line: int
    language: str
    text: str
    continues: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every Markdown file, as a path from the repository."""
    found = []
    for folder, below, files in os.walk(REPOSITORY):
        below[:] = set(below) - NOT_OURS
        found += [Path(folder, file) for file in files if file.endswith(".md")]
    return sorted(path.relative_to(REPOSITORY).as_posix() for path in found)


def read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """The fenced and the indented blocks of a page, in its order."""
    found = list(_fenced(page))
    return sorted([*found, *_indented(page, found)], key=lambda block: block.line)


def _fenced(page: str) -> Iterator[Block]:
    lines = read(page).splitlines()
    at = 0
    while at < len(lines):
        if opening := re.match(r"( *)(```+)(.*)", lines[at]):
            margin, fence, language = opening.groups()
            end = next(end for end in range(at + 1, len(lines)) if lines[end].strip() == fence)
            body = "".join(line.removeprefix(margin) + "\n" for line in lines[at + 1 : end])
            before = [line for line in lines[:at] if line][-1:]
            yield Block(page, at + 1, language.strip().partition(",")[0], body, before == [CONTINUES])
            at = end
        at += 1


def _indented(page: str, fenced: list[Block]) -> Iterator[Block]:
    """Paragraphs of four spaces that belong to no item of a list."""
    in_list = False
    rest = _without(page, fenced)
    for paragraph in re.finditer(r"(?:^.+\n?)+", rest, re.MULTILINE):
        text, line = paragraph[0], rest.count("\n", 0, paragraph.start()) + 1
        if re.match(r" {0,3}(?:[-*]|\d+\.) ", text):
            in_list = True
        elif not text.startswith(" "):
            in_list = False
        elif text.startswith("    ") and not in_list:
            yield Block(page, line, "indented", re.sub(r"^ {4}", "", text, flags=re.MULTILINE))


def _without(page: str, left_out: list[Block]) -> str:
    """A page with blank lines in the place of these blocks."""
    lines = read(page).splitlines(keepends=True)
    for block in left_out:
        length = block.text.count("\n") + (0 if block.language == "indented" else 2)
        for at in range(block.line - 1, block.line - 1 + length):
            lines[at] = "\n"
    return "".join(lines)


def every_block() -> list[Block]:
    return [block for page in pages() for block in blocks(page)]


def programs(language: str) -> list[Block]:
    """The blocks of a language as whole programs: those that continue are joined to the one before them."""
    joined: list[Block] = []
    for block in every_block():
        if block.language != language:
            continue
        if block.continues:
            first = joined.pop()
            assert first.page == block.page, f"{block}: it continues nothing"
            block = Block(first.page, first.line, language, f"{first.text}\n\n{block.text}")
        joined.append(block)
    return joined


def prose(page: str) -> str:
    """A page without its blocks of code and its code within lines."""
    return re.sub(r"``.*?``|`[^`\n]*`", "", _without(page, blocks(page)))


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+)$", _without(page, blocks(page)), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        found.append(re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-"))
    counted = (f"{slug}-{found[:at].count(slug)}" if slug in found[:at] else slug for at, slug in enumerate(found))
    return set(counted)


def links(page: str) -> list[str]:
    """The targets of a page's links and images."""
    inline = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", prose(page))
    return inline + re.findall(r"^\[[^]]+\]: +(\S+)", prose(page), re.MULTILINE)


def counts() -> dict[str, int]:
    """How many blocks there are of each language."""
    return dict(sorted(Counter(block.language or "plain" for block in every_block()).items()))


if __name__ == "__main__":
    COUNTS.write_text(f"{json.dumps(counts(), indent=2)}\n", encoding="utf-8")
