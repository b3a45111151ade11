"""Prompts and resources: what names them, and the one key of each resource."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..rpc import body
from ..suite import OK, Group, Suite, config, request
from ..tokens import Raw, object_text, token

DENIED = "policy_denied"
MALFORMED = "malformed_call"
SHORT = "insufficient_scope"
INVALID = rpc.error(-32600, "Invalid Request")
RESOURCES = {
    "file:///reports/*": ["r"],
    "file:///reports/secret/*": "deny",
    "file:///reports/secret/faq": ["f"],
    "https://example.com/*": ["h"],
    "https://example.com/admin": "deny",
    "weather:*": ["w"],
    "weather://paris/now": ["p"],
    "note://caf%C3%A9/*": ["n"],
    "urn:isbn:0451450523": ["u"],
}


def add_to(suite: Suite) -> None:
    _prompts(suite)
    group = suite.group("`resources`: exact URIs and patterns.", config(policy={"default": "deny", "resources": RESOURCES}))
    _patterns(group)
    _keys(group)
    _ways_to_name(group)
    _listen(group)
    _templates(group)
    _everywhere(suite)


def _good(scope: str) -> str:
    return token(scope=scope)


def _check(group: Group, id: str, comment: str, what: dict[str, Any], faults: str | list[str], *refs: str, **stated: Any) -> None:
    if faults == MALFORMED:
        stated = {"body": INVALID} | stated
    group.authorize(f"policy-{id}", comment, what, faults, list(refs or ("MCP-RS-32",)), **stated)


def _read(uri: str, method: str = "resources/read") -> str:
    return body(method, params={"uri": uri})


def _complete(reference: Any) -> str:
    params = object_text({"ref": reference, "argument": {"name": "a", "value": ""}})
    return body("completion/complete", params=Raw(params))


def _prompt(name: Any) -> str:
    return body("prompts/get", params={"name": name})


def _prompts(suite: Suite) -> None:
    prompts = {"summarise": ["s"], "review_*": ["rv"], "review_secret": "deny", "open": []}
    group = suite.group("`prompts`.", config(policy={"default": ["d"], "tools": {"summarise": "deny"}, "prompts": prompts}))
    for id, comment, text, scope, faults in (
        ("exact", "An exact entry.", _prompt("summarise"), "s", OK),
        ("exact-short", "An exact entry.", _prompt("summarise"), "d", SHORT),
        ("pattern", "A pattern.", _prompt("review_code"), "rv", OK),
        ("exact-over-pattern", "The exact entry wins.", _prompt("review_secret"), "rv", DENIED),
        ("open", "An empty list: any token will do.", _prompt("open"), "x", OK),
        ("unlisted", "A prompt without an entry.", _prompt("other"), "d", OK),
        ("unlisted-short", "A prompt without an entry.", _prompt("other"), "s", SHORT),
        ("tool", "Tools have a map of their own.", rpc.tool_call("review_secret"), "d", OK),
        ("completed", "Completion of a prompt.", _complete({"type": "ref/prompt", "name": "summarise"}), "s", OK),
        ("completed-short", "Completion of a prompt.", _complete({"type": "ref/prompt", "name": "summarise"}), "d", SHORT),
        ("completed-denied", "Completion of a prompt.", _complete({"type": "ref/prompt", "name": "review_secret"}), "rv", DENIED),
        ("completed-uri", "The type says which member counts.", _complete({"type": "ref/prompt", "name": "open", "uri": 1}), "x", OK),
        ("completed-escaped", "After unescaping.", _complete(Raw('{"type":"ref\\/prompt","n\\u0061me":"\\u006fpen"}')), "x", OK),
    ):  # fmt: skip
        _check(group, f"prompt-{id}", comment, request(_good(scope), body=text), faults)
    for id, reference in (
        ("null", None),
        ("string", "summarise"),
        ("array", [{"type": "ref/prompt", "name": "open"}]),
        ("empty", {}),
        ("no-type", {"name": "open"}),
        ("no-type-uri", {"uri": "file:///a"}),
        ("other-type", {"type": "ref/tool", "name": "open"}),
        ("type-case", {"type": "Ref/Prompt", "name": "open"}),
        ("type-null", {"type": None, "name": "open"}),
        ("type-array", {"type": ["ref/prompt"], "name": "open"}),
        ("no-name", {"type": "ref/prompt", "uri": "file:///a"}),
        ("name-number", {"type": "ref/prompt", "name": 1}),
        ("name-nul", {"type": "ref/prompt", "name": "open\0"}),
        ("no-uri", {"type": "ref/resource", "name": "open"}),
        ("uri-null", {"type": "ref/resource", "uri": None}),
        ("type-twice", Raw('{"type":"ref/prompt","name":"open","type":"ref/resource"}')),
        ("other-case", {"type": "ref/prompt", "name": "open", "Name": "review_secret"}),
    ):
        _check(
            group, f"reference-{id}", "A reference that cannot be read.", request(_good("d"), body=_complete(reference)), MALFORMED, "T24"
        )
    no_reference = body("completion/complete", params={"argument": {"name": "a", "value": ""}})
    _check(group, "reference-absent", "No reference.", request(_good("d"), body=no_reference), MALFORMED, "T24")


def _patterns(group: Group) -> None:
    for id, comment, uri, scope, faults in (
        ("pattern", "A pattern.", "file:///reports/2026", "r", OK),
        ("pattern-short", "A pattern.", "file:///reports/2026", "x", SHORT),
        ("pattern-deep", "It stands for any number of segments.", "file:///reports/2026/q1/x", "r", OK),
        ("pattern-none", "Or for none.", "file:///reports/", "r", OK),
        ("pattern-folder", "The folder itself is another resource.", "file:///reports", "r", DENIED),
        ("pattern-sibling", "Whole segments.", "file:///reports-2026/a", "r", DENIED),
        ("longer-pattern", "The longer pattern wins.", "file:///reports/secret/plan", "r", DENIED),
        ("exact", "The exact entry wins.", "file:///reports/secret/faq", "f", OK),
        ("exact-short", "The exact entry wins.", "file:///reports/secret/faq", "r", SHORT),
        ("exact-longer", "It is no pattern.", "file:///reports/secret/faq/x", "f", DENIED),
        ("path-case", "Paths are compared exactly.", "file:///Reports/2026", "r", DENIED),
        ("host-longer", "Another host.", "https://example.com.evil.test/", "h", DENIED),
        ("port", "Another port.", "https://example.com:8443/", "h", DENIED),
        ("scheme", "Another scheme.", "http://example.com/", "h", DENIED),
        ("scheme-pattern", "A whole scheme.", "weather://rome/now", "w", OK),
        ("scheme-pattern-opaque", "A whole scheme.", "weather:rome", "w", OK),
        ("scheme-longer", "Another scheme.", "weathers://rome/now", "w", DENIED),
        ("urn", "A URI without an authority.", "urn:isbn:0451450523", "u", OK),
        ("urn-case", "What follows the scheme is compared exactly.", "urn:ISBN:0451450523", "u", DENIED),
    ):
        _check(group, f"resource-{id}", comment, request(_good(scope), body=_read(uri)), faults)


def _keys(group: Group) -> None:
    for id, comment, uri, scope, faults in (
        ("scheme-case", "The scheme in upper case.", "FILE:///reports/2026", "r", OK),
        ("host-case", "The host in upper case.", "https://EXAMPLE.com/a", "h", OK),
        ("host-case-any-scheme", "Whatever the scheme.", "weather://Paris/now", "p", OK),
        ("host-case-denied", "No case evades an entry.", "HTTPS://Example.COM/admin", "h", DENIED),
        ("no-path", "A web address without a path.", "https://example.com", "h", OK),
        ("query", "The query is no part of the key.", "https://example.com/admin?x=1", "h", DENIED),
        ("query-no-path", "The query is no part of the key.", "https://example.com?a/b", "h", OK),
        ("slashes", "Several slashes are one.", "file:///reports//secret/plan", "r", DENIED),
        ("slashes-first", "Several slashes are one.", "file:////reports/secret/plan", "r", DENIED),
        ("letters", "Letters beyond ASCII are escaped.", "note://café/a", "n", OK),
        ("letters-escaped", "They may be already.", "note://caf%C3%A9/a", "n", OK),
        ("letters-lower-escapes", "In lower case too.", "note://caf%c3%a9/a", "n", OK),
        ("dots-in-names", "Dots in a name.", "file:///reports/..a/b..", "r", OK),
        ("escaped-blank", "What must be escaped may be.", "file:///reports/a%20b", "r", OK),
    ):
        _check(group, f"resource-{id}", comment, request(_good(scope), body=_read(uri)), faults, "T24")
    for id, uri in (
        ("empty", ""),
        ("no-scheme", "reports/2026"),
        ("no-scheme-slashes", "//example.com/a"),
        ("dot", "file:///reports/./2026"),
        ("dots", "file:///reports/../reports/2026"),
        ("dots-last", "file:///reports/.."),
        ("dots-escaped", "file:///reports/%2e%2E/2026"),
        ("dots-half-escaped", "file:///reports/.%2e/2026"),
        ("dots-opaque", "weather:a/../b"),
        ("escaped-letter", "file:///reports/%61"),
        ("escaped-tilde", "file:///reports/%7E"),
        ("escaped-slash", "file:///reports/a%2Fb"),
        ("escaped-slash-lower", "file:///reports/..%2fetc"),
        ("escaped-backslash", "file:///reports/..%5Cetc"),
        ("escaped-nul", "file:///reports/a%00"),
        ("escaped-line-feed", "file:///reports/a%0A"),
        ("escaped-c1", "file:///reports/a%C2%85"),
        ("escaped-no-utf-8", "file:///reports/%FF"),
        ("escaped-overlong", "file:///reports/%C0%AE%C0%AE/etc"),
        ("escape-cut", "file:///reports/%4"),
        ("escape-no-digits", "file:///reports/%zz"),
        ("backslash", "file:///reports\\2026"),
        ("blank", "file:///reports/a b"),
        ("blank-first", " file:///reports/a"),
        ("blank-last", "file:///reports/a "),
        ("blank-no-break", "file:///reports/a\u00a0b"),
        ("tab", "file:///rep\torts/a"),
        ("line-feed", "file:///reports/a\n"),
        ("delete", "file:///reports/a\u007f"),
        ("quote", 'file:///reports/"'),
        ("brace", "file:///reports/{name}"),
        ("pipe", "file:///c|/reports"),
        ("fragment", "file:///reports/a#b"),
        ("fragment-empty", "file:///reports/a#"),
        ("user", "https://user@example.com/a"),
        ("user-empty", "https://@example.com/a"),
        ("default-port", "https://example.com:443/a"),
        ("port-zeros", "https://example.com:08443/a"),
        ("port-empty", "https://example.com:/a"),
        ("port-large", "https://example.com:65536/a"),
        ("slashes-missing", "https:/example.com/a"),
        ("slashes-none", "https:example.com"),
        ("slashes-three", "https:///example.com/a"),
        ("file-slashes", "file:/reports/2026"),
        ("file-localhost", "file://localhost/reports/2026"),
        ("file-drive", "file://C:/reports"),
        ("host-number", "http://2130706433/"),
        ("host-short", "http://127.1/"),
        ("host-hexadecimal", "http://0x7f.0.0.1/"),
        ("host-ipv6-long", "http://[0:0:0:0:0:0:0:1]/"),
        ("host-ipv6-mapped", "http://[::ffff:7f00:1]/"),
        ("host-letters", "https://\uff45xample.com/a"),
        ("host-escaped", "https://ex%C3%A4mple.com/a"),
    ):
        comment = "Servers could take it for another resource, or for none."
        what = request(_good("r h w n"), body=_read(uri))
        _check(group, f"resource-no-key-{id}", comment, what, DENIED, "T24")


def _ways_to_name(group: Group) -> None:
    for method in ("resources/subscribe", "resources/unsubscribe"):
        id = method.replace("/", "-")
        for name, scope, faults in (("2026", "r", OK), ("2026", "x", SHORT), ("secret/plan", "r", DENIED), ("..", "r", DENIED)):
            suffix = {"2026": "short" if faults else "granted", "..": "no-key"}.get(name, "denied")
            text = _read(f"file:///reports/{name}", method)
            _check(group, f"{id}-{suffix}", f"{method} is about its uri.", request(_good(scope), body=text), faults)
    _check(
        group, "resources-list", "The list is about none.", request(_good("r"), body=_read("file:///reports/a", "resources/list")), DENIED
    )
    reference = {"type": "ref/resource", "uri": "file:///reports/2026"}
    _check(group, "resource-completed", "Completion of a resource.", request(_good("r"), body=_complete(reference)), OK)
    _check(group, "resource-completed-short", "Completion of a resource.", request(_good("x"), body=_complete(reference)), SHORT)


def _listen(group: Group) -> None:
    def listen(notifications: Any) -> str:
        return body("subscriptions/listen", params=Raw(object_text({"notifications": notifications})))

    def uris(*names: str) -> str:
        return listen({"toolsListChanged": True, "resourceSubscriptions": [f"file:///reports/{name}" for name in names]})

    for id, comment, text, scope, faults in (
        ("one", "A resource.", uris("a"), "r", OK),
        ("two", "Each resource counts.", uris("a", "secret/faq"), "r f", OK),
        ("two-short", "Each resource counts.", uris("a", "secret/faq"), "r", SHORT),
        ("two-denied", "Each resource counts.", uris("a", "secret/plan"), "r", DENIED),
        ("two-no-key", "Each resource counts.", uris("a", "../b"), "r", DENIED),
        ("thousand", "A thousand resources.", uris(*["a"] * 1000), "r", OK),
        ("unlisted", "A resource without an entry.", listen({"resourceSubscriptions": ["x:y"]}), "r", DENIED),
        ("none", "Without resources the method counts alone.", listen({}), "r", DENIED),
    ):
        _check(group, f"listen-{id}", comment, request(_good(scope), body=text), faults)
    for id, text in (
        ("thousand-and-one", uris(*["a"] * 1001)),
        ("no-filter", body("subscriptions/listen", params={})),
        ("no-params", body("subscriptions/listen")),
        ("filter-null", listen(None)),
        ("filter-array", listen(["file:///reports/a"])),
        ("uris-null", listen({"resourceSubscriptions": None})),
        ("uris-string", listen({"resourceSubscriptions": "file:///reports/a"})),
        ("uris-object", listen({"resourceSubscriptions": {"0": "file:///reports/a"}})),
        ("uri-number", listen({"resourceSubscriptions": ["file:///reports/a", 1]})),
        ("uri-array", listen({"resourceSubscriptions": [["file:///reports/a"]]})),
        ("uri-nul", listen({"resourceSubscriptions": ["file:///reports/a\0"]})),
        ("uris-twice", listen(Raw('{"resourceSubscriptions":[],"resourceSubscriptions":["file:///reports/secret/plan"]}'))),
        ("other-case", listen({"resourcesubscriptions": ["file:///reports/secret/plan"]})),
        ("python-name", listen({"resource_subscriptions": ["file:///reports/secret/plan"]})),
        ("proto", listen({"__proto__": {"resourceSubscriptions": ["file:///reports/secret/plan"]}})),
    ):
        _check(group, f"listen-{id}", "A filter that cannot be read.", request(_good("r f"), body=text), MALFORMED, "T24")


def _templates(group: Group) -> None:
    for id, comment, uri, scope, faults in (
        ("pattern", "Its text is the key.", "file:///reports/{name}", "r", OK),
        ("pattern-short", "Its text is the key.", "file:///reports/{name}", "x", SHORT),
        ("longer-pattern", "The longer pattern wins.", "file:///reports/secret/{name}", "r", DENIED),
        ("above", "It stands above the entries.", "file:///{+path}", "r", DENIED),
        ("host", "An expression for the host.", "weather://{city}/now", "w", OK),
        ("query", "A query is no part of the key.", "https://example.com/admin{?x}", "h", DENIED),
        ("query-no-path", "A query is no part of the key.", "https://example.com{?x}", "h", OK),
        ("dots", "The rules of a URI hold beside the expressions.", "file:///reports/{a}/../b", "r", DENIED),
        ("blank", "The rules of a URI hold beside the expressions.", "file:///reports/{a b}", "r", DENIED),
        ("scheme", "An expression for everything.", "{+uri}", "r", DENIED),
    ):
        text = _complete({"type": "ref/resource", "uri": uri})
        _check(group, f"template-{id}", comment, request(_good(scope), body=text), faults)


def _everywhere(suite: Suite) -> None:
    policy: dict[str, Any] = {"default": [], "methods": {"resources/read": ["m"]}}
    group = suite.group("A policy that names no resource.", config(policy=policy))
    for id, uri, scope, faults in (
        ("granted", "file:///a", "m", OK),
        ("short", "file:///a", "x", SHORT),
        ("no-key", "file:///a/../b", "m", DENIED),
    ):
        comment = "A URI without a key is denied under every policy."
        _check(group, f"no-resources-{id}", comment, request(_good(scope), body=_read(uri)), faults, "T24")
    policy = {"default": ["d"], "methods": {"resources/*": ["m"]}, "resources": {"*": ["any"], "file:///a": ["a"]}}
    members: dict[str, Any] = {"scope_implications": {"admin": ["m", "a"]}, "scope_wildcards": True, "challenge_scopes": "required"}
    group = suite.group("Method and resource are joined; implications hold.", config(policy=policy, **members))
    for id, uri, scope, faults in (
        ("both", "file:///a", "m a", OK),
        ("implied", "file:///a", "admin", OK),
        ("name-alone", "file:///a", "a", SHORT),
        ("lone-star", "x:y", "m any", OK),
        ("lone-star-short", "x:y", "m a", SHORT),
        ("lone-star-no-key", "x y", "m any", DENIED),
    ):
        _check(group, f"resource-join-{id}", "Both entries count.", request(_good(scope), body=_read(uri)), faults, "MCP-RS-33")
