"""Members that two JSON parsers find in two places."""

from __future__ import annotations

from ..answers import DENIED, MISMATCH, NOT_A_REQUEST, NOT_JSON, PASSES
from ..message import MODERN, VERSIONS, meta
from ..request import post
from ..suite import FASTIFY, Deviation, Suite, at, on, parsed


def suite() -> Suite:
    suite = Suite("members", "One text, two readings: a member that comes twice, in another case, or out of a prototype.")
    for version in VERSIONS:
        for id, comment, top, params, taken in rows():
            hosts = {} if taken is None else _parsed(taken, version)
            body = body_of(top, params, version)
            suite.case(at(id, version), comment, post(body=body, version=version), NOT_A_REQUEST, hosts=hosts)
        _below(suite, version)
    return suite


def body_of(top: str, params: str, version: str | None) -> str:
    """The body of a row."""
    return f'{{"jsonrpc":"2.0","id":1,{top.replace("PARAMS", _params(params, version))}}}'


def _params(members: str, version: str | None) -> str:
    return f"{{{members}{meta(version)}}}"


def _parsed(tool: str, version: str | None) -> dict[str, Deviation]:
    """What becomes of a body whose parser took this tool, or the method `ping`."""
    if tool == "weather":
        return parsed(PASSES, ran=["weather"])
    if version == MODERN:
        return parsed(MISMATCH)
    return parsed(PASSES if tool == "ping" else DENIED)


_CALL = '"method":"tools/call","params":PARAMS'
_WEATHER, _ERASE = '"name":"weather","arguments":{}', '"name":"erase","arguments":{}'


def rows() -> list[tuple[str, str, str, str, str | None]]:
    """Id, comment, the text after the id, the members of `params`, what a parser that is not strict takes."""
    prototype = '"__proto__":{"method":"tools/call","name":"erase"}'
    return [
        ("method-twice-last-denied", "Two methods.", '"method":"ping","method":"tools/call","params":PARAMS', _ERASE, "erase"),
        ("method-twice-first-denied", "Two methods.", '"method":"tools/call","method":"ping","params":PARAMS', _ERASE, "ping"),
        (
            "method-escaped-twice",
            "Two methods, one spelled with an escape.",
            '"method":"ping","m\\u0065thod":"tools/call","params":PARAMS',
            _ERASE,
            "erase",
        ),
        ("method-in-upper-case", "Go's parser would take it.", '"Method":"tools/call","params":PARAMS', _ERASE, None),
        (
            "method-beside-upper-case",
            "Go's parser would take the second.",
            '"method":"ping","METHOD":"tools/call","params":PARAMS',
            _ERASE,
            None,
        ),
        ("params-twice", "Two objects of params.", f'"method":"tools/call","params":{{{_WEATHER}}},"params":PARAMS', _ERASE, "erase"),
        (
            "params-twice-last-allowed",
            "Two objects of params.",
            f'"method":"tools/call","params":{{{_ERASE}}},"params":PARAMS',
            _WEATHER,
            "weather",
        ),
        (
            "params-escaped-twice",
            "Two objects of params.",
            f'"method":"tools/call","params":{{{_WEATHER}}},"p\\u0061rams":PARAMS',
            _ERASE,
            "erase",
        ),
        (
            "params-in-another-case",
            "Params in another case.",
            f'"method":"tools/call","params":{{{_WEATHER}}},"Params":PARAMS',
            _ERASE,
            None,
        ),
        (
            "params-with-long-s",
            "A letter that a case mapping takes for an s.",
            f'"method":"tools/call","params":{{{_WEATHER}}},"param\u017f":PARAMS',
            _ERASE,
            None,
        ),
        ("name-twice-last-denied", "Two names.", _CALL, f'"name":"weather",{_ERASE}', "erase"),
        ("name-twice-first-denied", "Two names.", _CALL, f'"name":"erase",{_WEATHER}', "weather"),
        ("name-escaped-last-denied", "Two names.", _CALL, '"name":"weather","\\u006eame":"erase","arguments":{}', "erase"),
        ("name-escaped-first-denied", "Two names.", _CALL, '"n\\u0061me":"erase","name":"weather","arguments":{}', "weather"),
        ("name-beside-upper-case", "Go's parser would take the second.", _CALL, '"name":"weather","Name":"erase","arguments":{}', None),
        ("name-in-upper-case", "Go's parser would take it.", _CALL, '"NAME":"erase","arguments":{}', None),
        ("name-with-nul", "A C string ends there.", _CALL, '"name":"weather","name\\u0000":"erase","arguments":{}', None),
        ("name-and-its-prototype", "A copy of params inherits a name.", _CALL, f'{_WEATHER},"__proto__":{{"name":"erase"}}', None),
        (
            "name-of-a-prototype",
            "A copy of params has no name but the inherited one.",
            _CALL,
            '"arguments":{},"__proto__":{"name":"erase"}',
            None,
        ),
        ("escaped-prototype", "The same with an escape.", _CALL, f'{_WEATHER},"__pr\\u006fto__":{{"name":"erase"}}', None),
        ("message-of-a-prototype", "The method is inherited.", f'{prototype},"method":"ping","params":PARAMS', _ERASE, None),
        ("result-beside-a-method", "A request that is a response too.", f'"result":{{}},{_CALL}', _ERASE, None),
        ("error-beside-a-method", "A request that is a response too.", f'"error":{{"code":1,"message":"x"}},{_CALL}', _ERASE, None),
        ("id-twice", "Two ids.", f'"id":2,{_CALL}', _WEATHER, "weather"),
        ("version-of-json-rpc-twice", "Two versions of JSON-RPC.", f'"jsonrpc":"2.0",{_CALL}', _WEATHER, "weather"),
        ("method-no-string", "A method in a list.", '"method":["tools/call"],"params":PARAMS', _ERASE, None),
        ("name-no-string", "A name in a list.", _CALL, '"name":["erase"],"arguments":{}', None),
        ("name-an-object", "A name that a template would print.", _CALL, '"name":{"toString":"erase"},"arguments":{}', None),
        ("name-null", "No name.", _CALL, '"name":null,"arguments":{}', None),
        ("params-in-a-list", "Params by position.", '"method":"tools/call","params":[PARAMS]', _ERASE, None),
        ("params-a-string", "Params as text.", '"method":"tools/call","params":"{\\"name\\":\\"erase\\"}","x":PARAMS', _ERASE, None),
    ]


def _below(suite: Suite, version: str | None) -> None:
    """Arguments are the tool's business, and so are members that are nobody's."""
    twice = _params('"name":"weather","arguments":{"name":"erase","name":"erase"}', version)
    nested = _params('"name":"weather","arguments":{"__proto__":{"name":"erase"}}', version)
    built = _params('"name":"weather","arguments":{"constructor":{"prototype":{"name":"erase"}}}', version)
    text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":PARAMS}'
    poisoned = on([FASTIFY], "Fastify's own parser refuses such members anywhere", ran=[])
    for id, comment, params, hosts in (
        ("arguments-with-a-member-twice", "An argument comes twice.", twice, {}),
        ("arguments-with-a-prototype", "An argument is a prototype.", nested, poisoned),
        ("arguments-with-a-constructor", "An argument is a constructor.", built, poisoned),
    ):
        suite.case(
            at(id, version), comment, post(body=text.replace("PARAMS", params), version=version), PASSES, ran=["weather"], hosts=hosts
        )
    call = _params(_ERASE, version)
    for id, comment, member in (
        ("constructor-beside-denied", "A constructor in the message.", '"constructor":{"prototype":{"method":"ping"}}'),
        (
            "decoy-beside-denied",
            "The call is repeated in members that are nobody's.",
            '"request":{"method":"ping","params":{"name":"weather"}}',
        ),
    ):
        body = f'{{"jsonrpc":"2.0","id":1,{member},"method":"tools/call","params":{call}}}'
        suite.case(at(id, version), comment, post(body=body, version=version, name="erase"), DENIED)
    lone = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + _params('"name":"er\\ud800ase","arguments":{}', version) + "}"
    suite.case(at("name-with-a-lone-surrogate", version), "No Unicode text.", post(body=lone, version=version), NOT_JSON)
