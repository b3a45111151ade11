"""Prompts and resources by every way and every spelling that leads to them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ..answers import DENIED, MISMATCH, NOT_A_REQUEST, PASSES, brief_short
from ..message import MODERN, TWO_VERSIONS, compact, message
from ..request import post
from ..suite import FASTMCP, Deviation, Suite, at, on, parsed

_PROMPTS = {"greet": [], "brief": ["mcp:prompts:brief"], "secret": "deny"}
_RESOURCES = {"file:///reports/*": [], "file:///secret/*": "deny", "note:///public": [], "note:///*": "deny"}


def suite() -> Suite:
    comment = "Whatever leads to a denied prompt or resource is denied: completions, subscriptions, other spellings of a URI."
    suite = Suite("prompts_and_resources", comment, prompts=_PROMPTS, resources=_RESOURCES)
    for version in TWO_VERSIONS:
        _prompts(suite, version)
        _completions(suite, version)
        _resources(suite, version)
    return suite


def _request(version: str | None, method: str, params: str, name: str | None = None) -> dict[str, Any]:
    return post(body=message(version, method, params), version=version, method=method, name=name and _line(name))


def _line(name: str) -> str:
    """The value of Mcp-Name."""
    plain = name.isascii() and name.isprintable() and name == name.strip()
    return name if plain else f"=?base64?{b64encode(name.encode()).decode()}?="


def _prompts(suite: Suite, version: str | None) -> None:
    for name, answer, ran in (
        ("greet", PASSES, ["greet"]),
        ("secret", DENIED, []),
        ("brief", brief_short(), []),
        ("Secret", PASSES, []),
        ("secret ", PASSES, []),
        ("\uff53ecret", PASSES, []),
    ):
        made = _request(version, "prompts/get", f'"name":{compact(name)},"arguments":{{"x":"y"}}', name)
        suite.case(at(f"prompt-{compact(name)[1:-1]}", version), "A prompt by its name.", made, answer, ran=ran)
    for id, params in (
        ("twice", '"name":"greet","name":"secret","arguments":{"x":"y"}'),
        ("in-two-cases", '"name":"greet","Name":"secret","arguments":{"x":"y"}'),
        ("with-nul", '"name":"secret\\u0000","arguments":{"x":"y"}'),
    ):
        made = _request(version, "prompts/get", params, "greet")
        suite.case(
            at(f"prompt-{id}", version), "A prompt by a name that is read in two ways.", made, NOT_A_REQUEST, hosts=_last(id, version)
        )


def _last(id: str, version: str | None) -> dict[str, Deviation]:
    """The parser in front takes the last member, which Mcp-Name does not name."""
    return parsed(MISMATCH if version == MODERN else DENIED) if id == "twice" else {}


def _completions(suite: Suite, version: str | None) -> None:
    argument = '"argument":{"name":"x","value":"y"}'
    of_template = '"argument":{"name":"name","value":"p"}'
    for id, params, answer, ran in (
        ("prompt", f'"ref":{{"type":"ref/prompt","name":"greet"}},{argument}', PASSES, ["complete:greet"]),
        ("denied-prompt", f'"ref":{{"type":"ref/prompt","name":"secret"}},{argument}', DENIED, []),
        ("prompt-short", f'"ref":{{"type":"ref/prompt","name":"brief"}},{argument}', brief_short(), []),
        ("denied-template", f'"ref":{{"type":"ref/resource","uri":"note:///{{name}}"}},{of_template}', DENIED, []),
        ("denied-resource", f'"ref":{{"type":"ref/resource","uri":"file:///secret/plans.txt"}},{of_template}', DENIED, []),
        ("dot-segments", f'"ref":{{"type":"ref/resource","uri":"file:///reports/../secret/{{name}}"}},{of_template}', DENIED, []),
        ("another-member", f'"ref":{{"type":"ref/prompt","name":"secret","uri":"note:///public"}},{argument}', DENIED, []),
        ("name-beside", f'"name":"greet","ref":{{"type":"ref/prompt","name":"secret"}},{argument}', DENIED, []),
        ("type-missing", f'"ref":{{"name":"secret"}},{argument}', NOT_A_REQUEST, []),
        ("type-in-another-case", f'"ref":{{"type":"ref/Prompt","name":"secret"}},{argument}', NOT_A_REQUEST, []),
        (
            "type-twice",
            f'"ref":{{"type":"ref/resource","type":"ref/prompt","name":"secret","uri":"note:///public"}},{argument}',
            NOT_A_REQUEST,
            [],
        ),
        ("name-twice", f'"ref":{{"type":"ref/prompt","name":"greet","name":"secret"}},{argument}', NOT_A_REQUEST, []),
        ("name-in-another-case", f'"ref":{{"type":"ref/prompt","name":"greet","NAME":"secret"}},{argument}', NOT_A_REQUEST, []),
        ("name-of-a-prototype", f'"ref":{{"type":"ref/prompt","__proto__":{{"name":"secret"}}}},{argument}', NOT_A_REQUEST, []),
        (
            "ref-twice",
            f'"ref":{{"type":"ref/prompt","name":"greet"}},"ref":{{"type":"ref/prompt","name":"secret"}},{argument}',
            NOT_A_REQUEST,
            [],
        ),
        ("ref-a-list", f'"ref":[{{"type":"ref/prompt","name":"secret"}}],{argument}', NOT_A_REQUEST, []),
        ("ref-missing", argument, NOT_A_REQUEST, []),
    ):
        made = _request(version, "completion/complete", params)
        hosts = parsed(DENIED) if id in ("type-twice", "name-twice", "ref-twice") else {}
        if ran:
            hosts |= on([FASTMCP], "it has no completions", ran=[])
        suite.case(at(f"completion-{id}", version), "A completion for what is referred to.", made, answer, ran=ran, hosts=hosts)


def _resources(suite: Suite, version: str | None) -> None:
    for uri, ran in (("file:///reports/open.txt", "open"), ("note:///public", "note")):
        suite.case(at(f"resource-{ran}", version), "An allowed resource.", _read(version, uri), PASSES, ran=[ran])
    for id, uri in _DENIED:
        suite.case(at(f"resource-{id}", version), "A denied resource, in a spelling of its own.", _read(version, uri), DENIED)
    for method in ("resources/subscribe", "resources/unsubscribe"):
        made = _request(version, method, '"uri":"file:///secret/plans.txt"')
        suite.case(at(f"{method.partition('/')[2]}-denied", version), "Changes of a denied resource.", made, DENIED)
    for id, params in (
        ("twice", '"uri":"file:///reports/open.txt","uri":"file:///secret/plans.txt"'),
        ("in-two-cases", '"uri":"file:///reports/open.txt","URI":"file:///secret/plans.txt"'),
        ("no-string", '"uri":["file:///secret/plans.txt"]'),
        ("with-nul", '"uri":"file:///secret/plans.txt\\u0000"'),
    ):
        made = _request(version, "resources/read", params, "file:///reports/open.txt")
        suite.case(at(f"resource-{id}", version), "A URI that is read in two ways.", made, NOT_A_REQUEST, hosts=_last(id, version))
    upper = _read(version, "file:///SECRET/plans.txt")
    suite.case(at("resource-path-in-upper-case", version), "Paths have one case: another resource, which is not there.", upper, PASSES)


def _read(version: str | None, uri: str) -> dict[str, Any]:
    return _request(version, "resources/read", f'"uri":{compact(uri)}', uri)


_DENIED = [
    ("plain", "file:///secret/plans.txt"),
    ("scheme-in-upper-case", "FILE:///secret/plans.txt"),
    ("dot-segments", "file:///reports/../secret/plans.txt"),
    ("encoded-dots", "file:///reports/%2e%2e/secret/plans.txt"),
    ("half-encoded-dots", "file:///reports/.%2E/secret/plans.txt"),
    ("dot-segment", "file:///./secret/plans.txt"),
    ("dots-behind", "file:///secret/plans.txt/."),
    ("encoded-slash", "file:///reports/..%2fsecret/plans.txt"),
    ("backslash", "file:///reports/..\\secret\\plans.txt"),
    ("backslashes-alone", "file:\\\\\\secret\\plans.txt"),
    ("encoded-backslash", "file:///reports/..%5csecret/plans.txt"),
    ("double-slash", "file:///secret//plans.txt"),
    ("slashes-in-front", "file://///secret/plans.txt"),
    ("one-slash", "file:/secret/plans.txt"),
    ("no-slash", "file:secret/plans.txt"),
    ("localhost", "file://localhost/secret/plans.txt"),
    ("encoded-letter", "file:///%73ecret/plans.txt"),
    ("encoded-dot", "file:///secret/plans%2Etxt"),
    ("encoded-twice", "file:///reports/%252e%252e/%2573ecret/%2e%2e"),
    ("query", "file:///secret/plans.txt?x"),
    ("query-empty", "file:///secret/plans.txt?"),
    ("fragment", "file:///secret/plans.txt#x"),
    ("fragment-empty", "file:///secret/plans.txt#"),
    ("tab-within", "file:///sec\tret/plans.txt"),
    ("line-feed-within", "fi\nle:///secret/plans.txt"),
    ("blank-in-front", " file:///secret/plans.txt"),
    ("blank-behind", "file:///secret/plans.txt "),
    ("control-in-front", "\u0001file:///secret/plans.txt"),
    ("no-break-space-behind", "file:///secret/plans.txt\u00a0"),
    ("byte-order-mark", "\ufefffile:///secret/plans.txt"),
    ("encoded-nul", "file:///secret/plans.txt%00"),
    ("bare-percent", "file:///secret/plans.txt%"),
    ("no-utf-8", "file:///secret/%ff"),
    ("user", "file://user@/secret/plans.txt"),
    ("drive", "file:///c|/../secret/plans.txt"),
    ("relative", "secret/plans.txt"),
    ("scheme-relative", "///secret/plans.txt"),
    ("scheme-in-fullwidth", "\uff46ile:///secret/plans.txt"),
    ("empty", ""),
    ("template", "file:///{name}"),
    ("denied-by-pattern", "note:///private"),
    ("of-a-template-with-query", "note:///private?/public"),
    ("of-a-template-encoded", "note:///p%75blic"),
    ("of-a-template-in-upper-case", "NOTE:///private"),
    ("of-a-template-twice", "note:///public/../private"),
]
