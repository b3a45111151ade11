"""The pages are complete: each framework's has the same sections, and the list of checks has every reason."""

from __future__ import annotations

import re

import pytest
from pages import links, pages, read

SECTIONS = [
    "Install",
    "The smallest server",
    "Scopes of a tool",
    "Scopes that depend on the arguments",
    "Lists",
    "Who is calling",
    "Health",
    "Tests",
    "The SDK's own gate",
    "What is not checked",
]
FRAMEWORKS = [page for page in pages() if page.startswith("docs/frameworks/") and not page.endswith("README.md")]


@pytest.mark.parametrize("page", FRAMEWORKS)
def test_page_of_a_framework_has_every_section(page: str) -> None:
    outside_blocks = re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE)
    assert re.findall(r"^## (.+)$", outside_blocks, re.MULTILINE) == SECTIONS


def test_every_page_is_in_an_index() -> None:
    assert len(FRAMEWORKS) == 15
    assert {page.rpartition("/")[2] for page in FRAMEWORKS} <= set(links("docs/frameworks/README.md"))
    top = {page.removeprefix("docs/") for page in pages() if re.fullmatch(r"docs/(?!README)[^/]+\.md", page)}
    assert top <= set(links("docs/README.md"))


def test_every_reason_is_among_the_checks() -> None:
    reasons = re.findall(r"^## (\w+)$", read("docs/reasons.md"), re.MULTILINE)
    assert len(reasons) == 29
    assert [reason for reason in reasons if f"`{reason}`" not in read("docs/security.md")] == []
