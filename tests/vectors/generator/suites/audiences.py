"""Audiences: which token is meant for this resource."""

from __future__ import annotations

from typing import Any

from ..suite import OK, Group, Suite, config, request, server
from ..tokens import ABSENT, RESOURCE, token

WRONG = "wrong_audience"
REFS = ["RFC 7519 4.1.3", "MCP-RS-51", "T29"]


def add_to(suite: Suite) -> None:
    _forms(suite)
    _near_misses(suite)
    _paths(suite)
    _additional(suite)
    _foreign(suite)
    _client_audience(suite)


def _check(group: Group, id: str, comment: str, aud: Any, faults: str | list[str], **stated: Any) -> None:
    group.authorize(f"audience-{id}", comment, request(token(aud=aud)), faults, REFS, **stated)


def _forms(suite: Suite) -> None:
    group = suite.group("Forms of `aud`.", config())
    malformed = "malformed_claim"
    _check(group, "second-of-two", "One of several is enough.", ["https://x.test/", RESOURCE], OK, audience=["https://x.test/", RESOURCE])
    _check(group, "twice", "The same value twice.", [RESOURCE, RESOURCE], OK)
    _check(group, "others-alone", "Several values, none of them ours.", ["https://x.test/", "https://y.test/"], WRONG)
    for id, comment, audience in (
        ("array-in-array", "A list in a list.", [[RESOURCE]]),
        ("array-with-number", "A number beside the resource.", [RESOURCE, 1]),
        ("array-with-null", "null beside the resource.", [RESOURCE, None]),
        ("array-with-object", "An object beside the resource.", [RESOURCE, {}]),
        ("array-with-nul", "A string with U+0000 beside the resource.", [RESOURCE, "x\0"]),
        ("true", "A boolean.", True),
    ):
        _check(group, id, comment, audience, malformed)


def _near_misses(suite: Suite) -> None:
    group = suite.group("The resource in other spellings.", config())
    for index, audience in enumerate(
        ("https://MCP.test/mcp", "HTTPS://mcp.test/mcp", "https://mcp.test:443/mcp", "HTTPS://MCP.TEST:443/mcp")
    ):
        _check(group, f"same-{index}", f"{audience} is the resource.", audience, OK, audience=[audience])
    for index, audience in enumerate(
        (
            "https://mcp.test/mcp/",
            "https://mcp.test/MCP",
            "https://mcp.test",
            "https://mcp.test/",
            "https://mcp.test/mcp2",
            "https://mcp.test/mc",
            "https://mcp.test/mcp/tools",
            "https://mcp.test:8443/mcp",
            "http://mcp.test/mcp",
            "https://mcp.test.evil.test/mcp",
            "https://evil.test/https://mcp.test/mcp",
            "https://mcp.test./mcp",
            "https://user@mcp.test/mcp",
            "https://mcp.test/mcp?x=1",
            "https://mcp.test/mcp#x",
            "https://mcp.test/%6dcp",
            "https://mcp.test/./mcp",
            "https://mcp.test/x/../mcp",
            "https://mcp.test//mcp",
            "https:\\\\mcp.test\\mcp",
            "https:/mcp.test/mcp",
            "mcp.test/mcp",
            " https://mcp.test/mcp",
            "https://mcp.test/mcp ",
            "https://mcp.test/mcp\n",
            "https://mcp\t.test/mcp",
            "https://\uff4dcp.test/mcp",
            "https",
            "https://mcp.test:0443/mcp",
            "https://mcp.test:/mcp",
        )
    ):
        _check(group, f"near-{index}", f"{audience!r} is another resource.", audience, WRONG)


def _paths(suite: Suite) -> None:
    for id, resource, same, other in (
        (
            "no-path",
            "https://mcp.test",
            ["https://mcp.test/", "https://MCP.test", "https://mcp.test:443/"],
            ["https://mcp.test/mcp", "https://mcp.test//"],
        ),
        ("root-path", "https://mcp.test/", ["https://mcp.test", "HTTPS://mcp.test:443"], ["https://mcp.test/x"]),
        ("slash-path", "https://mcp.test/mcp/", ["https://MCP.test/mcp/"], ["https://mcp.test/mcp"]),
        ("port", "https://mcp.test:8443/mcp", ["https://MCP.test:8443/mcp"], ["https://mcp.test/mcp", "https://mcp.test:443/mcp"]),
        ("loopback", "http://127.0.0.1:8080/mcp", ["HTTP://127.0.0.1:8080/mcp"], ["http://127.0.0.1/mcp", "http://localhost:8080/mcp"]),
        ("default-port", "http://localhost:80/mcp", ["http://localhost/mcp"], ["https://localhost/mcp", "http://localhost:443/mcp"]),
    ):
        group = suite.group(f"The resource {resource}.", config(resource=resource))
        _check(group, f"{id}-exact", "As it was configured.", resource, OK, resource=resource)
        for index, audience in enumerate(same):
            _check(group, f"{id}-same-{index}", f"{audience} is the resource.", audience, OK)
        for index, audience in enumerate(other):
            _check(group, f"{id}-other-{index}", f"{audience} is another resource.", audience, WRONG)


def _additional(suite: Suite) -> None:
    first = server("ed-a", additional_audiences=["api://app-1"])
    second = server("ed-a", issuer="https://other.test")
    group = suite.group(
        "`additional_audiences`, everywhere and of one issuer.", config(first, second, additional_audiences=["https://old.test/mcp"])
    )
    for id, comment, audience, issuer, faults in (
        ("global", "Accepted from every issuer.", "https://old.test/mcp", "https://other.test", OK),
        ("issuer", "Accepted from this issuer.", "api://app-1", "https://as.test", OK),
        ("other-issuer", "Not accepted from the other one.", "api://app-1", "https://other.test", WRONG),
        ("exact-case", "Compared exactly: no upper-case host.", "https://OLD.test/mcp", "https://as.test", WRONG),
        ("exact-port", "Compared exactly: no default port.", "https://old.test:443/mcp", "https://as.test", WRONG),
        ("resource-still", "The resource itself stays accepted.", RESOURCE, "https://other.test", OK),
    ):
        what = request(token(aud=audience, iss=issuer))
        group.authorize(f"additional-audience-{id}", comment, what, faults, REFS)


def _foreign(suite: Suite) -> None:
    configuration = config(reject_foreign_audiences=True, additional_audiences=["api://app-1"])
    group = suite.group("`reject_foreign_audiences`.", configuration)
    _check(group, "foreign-none", "The resource alone.", [RESOURCE], OK)
    _check(group, "foreign-additional", "The resource and an additional audience.", [RESOURCE, "api://app-1"], OK)
    _check(group, "foreign-spelling", "The resource in two spellings.", [RESOURCE, "https://MCP.test/mcp"], OK)
    _check(group, "foreign-one", "The resource and someone else.", [RESOURCE, "https://x.test/"], WRONG)
    _check(group, "foreign-first", "Someone else and the resource.", ["https://x.test/", RESOURCE], WRONG)
    _check(group, "foreign-string", "Someone else.", "https://x.test/", WRONG)


def _client_audience(suite: Suite) -> None:
    rule = {"claim": "client_id", "values": ["app", "app-2"]}
    group = suite.group("`unsafe_client_audience`.", config(server(unsafe_client_audience=rule)))
    for id, comment, changes, faults in (
        ("stands-in", "Without `aud` the claim stands in.", {"aud": ABSENT}, OK),
        ("second-value", "Another value of the list.", {"aud": ABSENT, "client_id": "app-2"}, OK),
        ("other-value", "A value that the list lacks.", {"aud": ABSENT, "client_id": "app-3"}, WRONG),
        ("absent", "Neither `aud` nor the claim.", {"aud": ABSENT, "client_id": ABSENT}, "missing_claim"),
        ("number", "The claim is a number.", {"aud": ABSENT, "client_id": 7}, "malformed_claim"),
        ("aud-right", "`aud` is there and right.", {"client_id": "app-3"}, OK),
        ("aud-wrong", "`aud` is there and wrong: nothing stands in.", {"aud": "https://x.test/"}, WRONG),
        ("aud-empty", "`aud` is there and empty: nothing stands in.", {"aud": []}, "malformed_claim"),
    ):
        what = request(token(**changes))
        stated: dict[str, Any] = {"audience": []} if id == "stands-in" else {}
        group.authorize(f"client-audience-{id}", comment, what, faults, REFS, **stated)
