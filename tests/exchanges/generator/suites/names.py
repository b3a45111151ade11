"""Names that look like another's."""

from __future__ import annotations

from base64 import b64encode

from ..answers import NOT_A_REQUEST, PASSES
from ..message import MODERN, TWO_VERSIONS, compact, message
from ..request import post
from ..suite import Suite, at


def suite() -> Suite:
    suite = Suite("names", "Names are compared byte for byte: what is no listed name falls to the default, and no server finds it.")
    for version in TWO_VERSIONS:
        for id, comment, name in _NAMES:
            text = message(version, "tools/call", f'"name":{compact(name)},"arguments":{{}}')
            suite.case(at(id, version), comment, post(body=text, version=version, name=_line(name, version)), PASSES)
        for id, comment, spelling in (
            ("tool-name-nul-at-the-end", "A C string ends there.", '"erase\\u0000"'),
            ("tool-name-nul-after-allowed", "A C string ends there.", '"weather\\u0000erase"'),
            ("tool-name-nul-at-the-beginning", "A C string is empty.", '"\\u0000erase"'),
        ):
            text = message(version, "tools/call", f'"name":{spelling},"arguments":{{}}')
            suite.case(at(id, version), comment, post(body=text, version=version), NOT_A_REQUEST)
    return suite


def _line(name: str, version: str | None) -> str:
    """The value of Mcp-Name."""
    plain = name.isascii() and name.isprintable() and name == name.strip()
    return name if plain and version == MODERN else f"=?base64?{b64encode(name.encode()).decode()}?="


_NAMES = [
    ("tool-name-in-upper-case", "Another case.", "ERASE"),
    ("tool-name-with-a-capital", "Another case.", "Erase"),
    ("tool-name-with-cyrillic-e", "A letter of another script.", "\u0435rase"),
    ("tool-name-in-fullwidth", "Compatibility forms.", "\uff45\uff52\uff41\uff53\uff45"),
    ("tool-name-with-a-joiner", "A zero-width joiner.", "er\u200dase"),
    ("tool-name-with-a-soft-hyphen", "A soft hyphen.", "er\u00adase"),
    ("tool-name-with-long-s", "A letter that a case mapping takes for an s.", "era\u017fe"),
    ("tool-name-decomposed", "A letter and its mark.", "e\u0301rase"),
    ("tool-name-composed", "The same in one letter.", "\u00e9rase"),
    ("tool-name-with-a-trailing-blank", "A blank behind.", "erase "),
    ("tool-name-with-a-leading-blank", "A blank in front.", " erase"),
    ("tool-name-with-a-line-feed", "A line feed behind.", "erase\n"),
    ("tool-name-with-a-tab", "A tab behind.", "erase\t"),
    ("tool-name-with-a-no-break-space", "A blank that is none.", "erase\u00a0"),
    ("tool-name-with-a-byte-order-mark", "A byte order mark in front.", "\ufefferase"),
    ("tool-name-with-a-direction", "Written from right to left.", "\u202eesare"),
    ("tool-name-percent-encoded", "Nobody decodes it.", "%65rase"),
    ("tool-name-with-an-entity", "Nobody decodes it.", "&#101;rase"),
    ("tool-name-with-a-slash", "A path.", "./erase"),
    ("tool-name-of-a-pattern", "A star is a character like any other.", "weather*"),
    ("tool-name-of-a-prototype", "A table that is an object.", "constructor"),
    ("tool-name-of-proto", "A table that is an object.", "__proto__"),
    ("tool-name-empty", "No name.", ""),
    ("tool-name-over-long", "A name of 100,000 letters would not fit a header.", "erase" + "e" * 5000),
]
