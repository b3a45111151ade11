"""Authorization lines: which of them hold one credential, and which hold none or too many."""

from __future__ import annotations

from typing import Any

from ..suite import OK, Group, Suite, config, request
from ..tokens import ABSENT, claims, header, jws, token

MAX_TOKEN = 16384


def suite() -> Suite:
    result = Suite("credentials")
    group = result.group("One static Ed25519 key, one required scope.", config(required_scopes=["mcp:read"]))
    _accepted(group)
    _missing(group)
    _multiple(group)
    _sizes(group)
    _bytes(group)
    _other_places(group)
    return result


def _lines(*lines: str) -> dict[str, Any]:
    return request(authorization=list(lines))


def _accepted(group: Group) -> None:
    good = token()
    refs = ["RFC 6750 2.1", "RFC 9110 11.1"]
    for id, comment, line in (
        ("bearer", "The plain form.", f"Bearer {good}"),
        ("bearer-lower-case", "The scheme is compared without case.", f"bearer {good}"),
        ("bearer-upper-case", "The scheme is compared without case.", f"BEARER {good}"),
        ("bearer-mixed-case", "The scheme is compared without case.", f"bEaReR {good}"),
        ("bearer-several-blanks", "One or more blanks stand after the scheme.", f"Bearer    {good}"),
        ("bearer-blanks-around", "Blanks at both ends of the line are no part of it.", f" \tBearer {good}\t "),
    ):
        group.authorize(id, comment, _lines(line), OK, refs)


def _missing(group: Group) -> None:
    good = token()
    refs = ["RFC 6750 3.1"]
    challenge = 'Bearer scope="mcp:read", resource_metadata="https://mcp.test/.well-known/oauth-protected-resource/mcp"'
    for id, comment, lines in (
        ("no-line-member", "No Authorization line at all.", None),
        ("no-lines", "An empty list of lines.", []),
        ("empty-line", "A line without content.", [""]),
        ("blank-line", "A line of blanks.", [" \t "]),
        ("bearer-and-nothing", "A scheme without a credential.", ["Bearer"]),
        ("bearer-and-a-blank", "A scheme and a blank.", ["Bearer "]),
        ("bearer-and-blanks", "A scheme and nothing but blanks.", ["Bearer \t \t"]),
        ("basic", "Another scheme.", ["Basic YWxpY2U6c2VjcmV0"]),
        ("dpop", "A good token under another scheme.", [f"DPoP {good}"]),
        ("negotiate-alone", "Another scheme without a credential.", ["Negotiate"]),
        ("token-without-scheme", "A bare token is taken for a scheme.", [good]),
        ("bearer-without-blank", "No blank: another scheme.", [f"Bearer{good}"]),
        ("bearer-colon", "`Bearer:` is another scheme.", [f"Bearer: {good}"]),
        ("bearer-equals", "`Bearer=` is another scheme.", [f"Bearer={good}"]),
        ("bearers", "A longer word is another scheme.", [f"Bearers {good}"]),
        ("bear", "A shorter word is another scheme.", [f"Beare {good}"]),
        ("no-break-space", "U+00A0 is not a blank.", [f"Bearer\u00a0{good}"]),
        ("vertical-tab", "U+000B is not a blank.", [f"Bearer\u000b{good}"]),
        ("tab", "A tab is not a blank: another scheme (RFC 9110 11.4).", [f"Bearer\t{good}"]),
        ("tab-and-blank", "Nor with a blank after it.", [f"Bearer\t {good}"]),
        ("quoted-scheme", "A quoted scheme is another scheme.", [f'"Bearer" {good}']),
    ):
        what = request() if lines is None else request(authorization=lines)
        group.authorize(f"missing-{id}", comment, what, "missing_token", refs, www_authenticate=challenge)


def _multiple(group: Group) -> None:
    good = token()
    refs = ["RFC 6750 3.1", "T65"]
    fault = "multiple_credentials"
    group.authorize("two-lines-same-token", "The same token twice.", _lines(f"Bearer {good}", f"Bearer {good}"), fault, refs)
    group.authorize(
        "two-lines-two-schemes", "Basic and Bearer.", _lines("Basic YWxpY2U6c2VjcmV0", f"Bearer {good}"), [fault, "missing_token"], refs
    )
    group.authorize("second-line-empty", "An empty line counts.", _lines(f"Bearer {good}", ""), fault, refs)
    group.authorize("second-line-basic", "The second line counts.", _lines(f"Bearer {good}", "Basic eDp5"), fault, refs)
    group.authorize("three-lines", "Three lines.", _lines(*[f"Bearer {good}"] * 3), fault, refs)
    for id, comment, line in (
        ("joined-lines", "Two lines as WSGI and fetch join them.", f"Bearer {good}, Bearer {good}"),
        ("joined-other-scheme", "A second scheme behind a comma.", f"Bearer {good}, Basic eDp5"),
        ("joined-without-blank", "A comma without a blank.", f"Bearer {good},{good}"),
        ("trailing-comma", "A comma at the end.", f"Bearer {good},"),
    ):
        group.authorize(id, comment, _lines(line), fault, refs)
    for id, comment, line in (
        ("leading-comma", "A comma before the token.", f"Bearer ,{good}"),
        ("comma-alone", "Nothing but a comma.", "Bearer ,"),
        ("auth-params", "Parameters in place of a token.", 'Bearer realm="x", token="y"'),
    ):
        group.authorize(id, comment, _lines(line), [fault, "malformed_token"], refs)
    group.authorize(
        "basic-joined-first", "The first scheme of a joined line counts.", _lines(f"Basic eDp5, Bearer {good}"), "missing_token", refs
    )


def _sizes(group: Group) -> None:
    refs = ["T18", "CVE-2025-30204"]
    longest, over = _token_of_length(MAX_TOKEN), _token_of_length(MAX_TOKEN + 1)
    group.authorize("16384-bytes", "The longest token.", _lines(f"Bearer {longest}"), OK, refs)
    group.authorize("16385-bytes", "One byte over.", _lines(f"Bearer {over}"), "token_too_large", refs)
    group.authorize("16384-bytes-and-blanks", "Blanks at the end do not count.", _lines(f"Bearer   {longest} \t "), OK, refs)
    short = token()
    second_run = "x" * (MAX_TOKEN - len(short) - 1)
    group.authorize(
        "second-run-16384-bytes",
        "All after the scheme is counted: 16384 bytes in two runs are malformed.",
        _lines(f"Bearer {short} {second_run}"),
        "malformed_token",
        refs,
    )
    group.authorize(
        "second-run-16385-bytes",
        "All after the scheme is counted: 16385 bytes in two runs are too many.",
        _lines(f"Bearer {short} {second_run}x"),
        ["token_too_large", "malformed_token"],
        refs,
    )
    group.authorize("16384-dots", "Dots as far as the limit.", _lines("Bearer " + "." * MAX_TOKEN), "malformed_token", refs)
    group.authorize(
        "16385-dots", "Dots over the limit.", _lines("Bearer " + "." * (MAX_TOKEN + 1)), ["token_too_large", "malformed_token"], refs
    )
    group.authorize(
        "16385-bytes-other-scheme", "Another scheme is no token.", _lines("Basic " + "x" * (MAX_TOKEN + 1)), "missing_token", refs
    )


def _bytes(group: Group) -> None:
    good = token()
    for id, comment, credential in (
        ("high-byte-end", "A byte over 0x7F behind the token.", f"{good}\u00e9"),
        ("high-byte-start", "A byte over 0x7F before the token.", f"\u00ff{good}"),
        ("high-byte-alone", "One byte 0x80.", "\u0080"),
        ("utf-8-dot", "UTF-8 bytes of a full stop from another script.", good.replace(".", "\u00ef\u00bc\u008e", 1)),
        ("second-run-blank", "Two runs with a blank between.", f"{good} {good}"),
        ("second-run-tab", "Two runs with a tab between.", f"{good}\t{good}"),
        ("tab-before", "A tab behind the blank.", f"\t{good}"),
        ("bearer-twice", "The scheme twice.", f"Bearer {good}"),
        ("nul", "A NUL byte at the end.", f"{good}\u0000"),
        ("line-feed", "A line feed at the end.", f"{good}\n"),
        ("header-injection", "A second header behind CR LF.", f"{good}\r\nX-Role:admin"),
        ("delete", "The byte 0x7F.", f"{good}\u007f"),
        ("quoted", "The token in quotes.", f'"{good}"'),
        ("angle-brackets", "The token in angle brackets.", f"<{good}>"),
        ("named", "A parameter in place of the token.", f"access_token={good}"),
        ("percent", "A percent-encoded dot.", good.replace(".", "%2E", 1)),
        ("semicolon", "A semicolon behind the token.", f"{good};"),
    ):
        refs = ["RFC 6750 2.1", "RFC 8725bis 3.14", "T20"]
        group.authorize(f"credential-{id}", comment, _lines(f"Bearer {credential}"), "malformed_token", refs)


def _other_places(group: Group) -> None:
    good = token()
    refs = ["MCP-RS-57"]
    group.authorize("query-token", "A token in the query is not read.", request(target=f"/mcp?access_token={good}"), "missing_token", refs)
    group.authorize("body-token", "A token in the body is not read.", request(body=f"access_token={good}"), "missing_token", refs)
    group.authorize(
        "query-and-line", "The query is ignored beside a good line.", request(good, target=f"/mcp?access_token={good}"), OK, refs
    )


def _token_of_length(length: int) -> str:
    """A good token of exactly this many bytes: a claim and, for the last one or two, a header member fill it."""
    for filling in range(4):
        filled_header = header(x="h" * filling if filling else ABSENT)
        room = length - len(jws(filled_header, claims(x="")))
        for size in range(room * 3 // 4 - 4, room * 3 // 4 + 5):
            candidate = jws(filled_header, claims(x="p" * size))
            if len(candidate) == length:
                return candidate
    raise ValueError(f"no token of {length} bytes")
