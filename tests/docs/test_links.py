"""Every link within the repository leads to a file, and to a heading where it names one."""

from __future__ import annotations

import pytest
from pages import REPOSITORY, anchors, links, pages

OURS = "https://github.com/scopegate/scopegate/blob/main/"
"""How a page that is published elsewhere, such as that of a package, links to one of the repository."""


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    astray = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        base = (REPOSITORY / page).parent
        if path.startswith(OURS):
            path, base = path.removeprefix(OURS), REPOSITORY
        if ":" in path:
            continue
        target = (base / path).resolve() if path else REPOSITORY / page
        if not target.is_relative_to(REPOSITORY) or not target.exists():
            astray.append(f"{link}: there is no such file")
        elif anchor and anchor not in anchors(target.relative_to(REPOSITORY).as_posix()):
            astray.append(f"{link}: there is no such heading")
    assert astray == []


def test_links_and_headings_are_found() -> None:
    assert "docs/reasons.md" in links("README.md")
    assert "what-is-checked-and-what-is-not" in anchors("README.md")
