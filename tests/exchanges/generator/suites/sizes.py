"""Bodies at the limits."""

from __future__ import annotations

from ..answers import DENIED, NOT_A_REQUEST, NOT_JSON, PASSES, TOO_LARGE
from ..message import MODERN, TWO_VERSIONS, message, tool
from ..request import post, size
from ..suite import GO, PARSER_REFUSES, PYTHONS, Deviation, Suite, at, on, parsed

_LIMIT = 4 * 1024 * 1024


def suite() -> Suite:
    suite = Suite("sizes", "4 MiB, 64 levels, and numbers and strings that not every parser holds.")
    for version in TWO_VERSIONS:
        for name in ("weather", "erase"):
            text = tool(version, name)
            for id, length in (("largest", _LIMIT), ("too-large", _LIMIT + 1)):
                body = [(text, 1), (" ", length - size(text))]
                made = post(body=body, version=version, name=name)
                answer = TOO_LARGE if length > _LIMIT else PASSES if name == "weather" else DENIED
                ran = ["weather"] if answer is PASSES else []
                # What the parser in front made has no blanks.
                hosts = {} if length == _LIMIT else parsed(PASSES, ran=["weather"]) if name == "weather" else parsed(DENIED)
                suite.case(at(f"{id}-{name}", version), f"{length} bytes, the last of them blanks.", made, answer, ran=ran, hosts=hosts)
        _long_argument(suite, version)
        _depth(suite, version)
        _values(suite, version)
    return suite


def _long_argument(suite: Suite, version: str | None) -> None:
    before, after = tool(version, "erase", arguments='{"text":"X"}').split("X")
    for id, length in (("largest-argument", _LIMIT), ("too-large-argument", _LIMIT + 1)):
        body = [(before, 1), ("x", length - size(before) - size(after)), (after, 1)]
        made = post(body=body, version=version, name="erase")
        suite.case(
            at(f"{id}-erase", version), f"{length} bytes, most of them in an argument.", made, TOO_LARGE if length > _LIMIT else DENIED
        )


def _depth(suite: Suite, version: str | None) -> None:
    """The message, `params` and `arguments` are three levels."""
    for name in ("weather", "erase"):
        before, after = tool(version, name, arguments='{"a":X}').split("X")
        for levels in (64, 65, 10_000):
            body = [(before, 1), ("[", levels - 3), ("]", levels - 3), (after, 1)]
            made = post(body=body, version=version, name=name)
            answer = NOT_A_REQUEST if levels > 64 else PASSES if name == "weather" else DENIED
            ran = ["weather"] if answer is PASSES else []
            suite.case(at(f"levels-{levels}-{name}", version), f"{levels} levels.", made, answer, ran=ran)
    endless = [('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":', 1), ("[", 100_000)]
    suite.case(
        at("levels-without-end", version), "Nothing closes them.", post(body=endless, version=version), NOT_JSON, hosts=PARSER_REFUSES
    )


def _values(suite: Suite, version: str | None) -> None:
    for id, comment, value in (
        ("huge-exponent", "A number beyond every float.", "1e999"),
        ("tiny-exponent", "A number that is nearly zero.", "1e-999"),
        ("long-number", "A number of 5,000 digits.", "9" * 5000),
        ("lone-surrogate", "No Unicode text, in an argument.", '"\\ud800"'),
        ("surrogates-swapped", "No Unicode text, in an argument.", '"\\udc00\\ud800"'),
        ("nul-in-an-argument", "U+0000 in an argument.", '"\\u0000"'),
    ):
        for name in ("weather", "erase"):
            made = post(body=message(version, "tools/call", f'"name":"{name}","arguments":{{"a":{value}}}'), version=version, name=name)
            answer = PASSES if name == "weather" else DENIED
            hosts = _without(id, version) if name == "weather" else {}
            suite.case(at(f"{id}-{name}", version), comment, made, answer, ran=["weather"] if name == "weather" else [], hosts=hosts)
    for id, comment, value in (
        ("not-a-number", "No JSON.", "NaN"),
        ("infinity", "No JSON.", "Infinity"),
        ("leading-zero", "No JSON.", "01"),
    ):
        made = post(body=tool(version, "erase", arguments=f'{{"a":{value}}}'), version=version, name="erase")
        suite.case(at(id, version), comment, made, NOT_JSON, hosts=PARSER_REFUSES)


def _without(id: str, version: str | None) -> dict[str, Deviation]:
    """The SDKs whose parsers do not hold the value."""
    hosts: dict[str, Deviation] = {}
    if id in ("huge-exponent", "long-number"):
        hosts |= on([GO], "its SDK does not hold the number", ran=[])
    if id == "long-number" or (id in ("lone-surrogate", "surrogates-swapped") and version != MODERN):
        hosts |= on(PYTHONS, "its SDK does not hold the value", ran=[])
    return hosts
