"""Several calls in one body, and ids that are none."""

from __future__ import annotations

from ..answers import BATCH_SHORT, NOT_A_REQUEST, NOT_JSON, PASSES, denied
from ..message import MODERN, TWO_VERSIONS, VERSIONS, tool
from ..request import post
from ..suite import EXPRESS_JSON, GO, NODE, PARSER_REFUSES, PYTHONS, Deviation, Suite, at, on


def suite() -> Suite:
    suite = Suite("batches_and_ids", "A batch is one body and many calls. An id says whether there is a call at all.")
    for version in VERSIONS:
        _batches(suite, version)
    for version in TWO_VERSIONS:
        for id, comment, text in _IDS:
            _one_id(suite, version, id, comment, text)
    return suite


def _batches(suite: Suite, version: str | None) -> None:
    weather, erase, email = tool(version, "weather"), tool(version, "erase", "2"), tool(version, "send_email", "3")
    for id, comment, body, answer in (
        ("batch-of-denied", "One denied call.", f"[{erase}]", denied(None)),
        ("batch-with-denied-last", "An allowed call, then a denied one.", f"[{weather},{erase}]", denied(None)),
        ("batch-with-denied-first", "A denied call, then an allowed one.", f"[{erase},{weather}]", denied(None)),
        ("batch-with-denied-within", "A denied call between others.", f"[{weather},{erase},{weather}]", denied(None)),
        ("batch-with-a-scope-short", "A call whose scope is short.", f"[{weather},{email}]", BATCH_SHORT),
    ):
        # Of 2026-07-28 there are no batches: one pair of routing headers could not describe one.
        suite.case(at(id, version), comment, post(body=body, version=version), NOT_A_REQUEST if version == MODERN else answer)
    for id, comment, body in (
        ("batch-of-a-batch", "A batch in a batch.", f"[[{erase}]]"),
        ("batch-of-none", "No call.", "[]"),
        ("batch-with-null", "Something that is no message.", f"[{weather},null,{erase}]"),
    ):
        suite.case(at(id, version), comment, post(body=body, version=version), NOT_A_REQUEST)
    for id, comment, body in (
        ("lines-of-json", "Two calls on two lines.", f"{weather}\n{erase}"),
        ("two-texts", "Two calls, one after the other.", f"{weather}{erase}"),
    ):
        suite.case(at(id, version), comment, post(body=body, version=version), NOT_JSON, hosts=PARSER_REFUSES)
    if version == MODERN:
        suite.case(at("batch-of-one", version), "One allowed call.", post(body=f"[{weather}]", version=version), NOT_A_REQUEST)
    else:
        hosts = on(PYTHONS, "its SDK takes no batches", ran=[])
        if version in ("2025-11-25", "2025-06-18"):
            hosts |= on([GO], "its SDK takes no batches of this version", ran=[])
        suite.case(
            at("batch-of-one", version),
            "One allowed call.",
            post(body=f"[{weather}]", version=version),
            PASSES,
            ran=["weather"],
            hosts=hosts,
        )


def _one_id(suite: Suite, version: str | None, id: str, comment: str, text: str | None) -> None:
    known = text if text in ("0", '""', '"1"') else None
    hosts = {EXPRESS_JSON: Deviation("JavaScript writes it as 0", denied("0"))} if text == "-0" else {}
    suite.case(
        at(f"id-{id}-denied", version),
        comment,
        post(body=tool(version, "erase", text), version=version, name="erase"),
        denied(known),
        hosts=hosts,
    )
    runs = ["weather"] if id not in _NO_CALL else []
    hosts = {}
    if id == "huge":
        hosts = on(NODE, "no safe integer for JavaScript", ran=[])
    if id == "fraction":
        hosts = on([GO], "its SDK takes every number", ran=["weather"])
    suite.case(at(f"id-{id}", version), comment, post(body=tool(version, "weather", text), version=version), PASSES, ran=runs, hosts=hosts)


_NO_CALL = {"absent", "null", "fraction", "huge-exponent", "object", "list", "true"}
"""The SDKs do not take a message with such an id for a request."""

_IDS = [
    ("absent", "A notification.", None),
    ("null", "The id is null.", "null"),
    ("zero", "The smallest id.", "0"),
    ("empty", "An empty string.", '""'),
    ("text", "A string.", '"1"'),
    ("fraction", "A fraction.", "1.5"),
    ("negative-zero", "Parsers differ on it.", "-0"),
    ("huge", "An integer beyond 2^53.", "123456789012345678901234567890"),
    ("huge-exponent", "A number beyond every float.", "1e999"),
    ("object", "An object.", '{"id":1}'),
    ("list", "A list.", "[1]"),
    ("true", "A boolean.", "true"),
    ("long", "A string of 300 bytes.", '"' + "x" * 300 + '"'),
]
