"""Bodies that are not plain UTF-8 JSON, or say that they are not."""

from __future__ import annotations

from typing import Any

from ..answers import DENIED, ENCODED, MISMATCH, NOT_JSON, OTHER_TYPE, PASSES, status
from ..compressed import deflated, gzipped
from ..message import MODERN, TWO_VERSIONS, compact, meta, tool
from ..request import JSON, post
from ..suite import EXPRESS_JSON, PARSER_REFUSES, PYTHONS, Deviation, Suite, at, on, parsed


def suite() -> Suite:
    suite = Suite("encodings", "The policy reads UTF-8 JSON. A body that a server would read otherwise is refused.")
    for version in TWO_VERSIONS:
        _codings(suite, version)
        _characters(suite, version)
        _around(suite, version)
        _types(suite, version)
    return suite


def _codings(suite: Suite, version: str | None) -> None:
    unknown = {EXPRESS_JSON: Deviation("the parser in front does not know it", status(415))}
    for name in ("weather", "erase"):
        text = tool(version, name).encode()
        packed = gzipped(text)
        inflated = parsed(PASSES, ran=["weather"]) if name == "weather" else parsed(DENIED)
        for id, comment, body, lines, hosts in (
            ("gzip", "Compressed.", packed, ["gzip"], inflated),
            ("x-gzip", "Its old name.", packed, ["x-gzip"], unknown),
            ("deflate", "Compressed.", deflated(text), ["deflate"], inflated),
            ("brotli", "A coding by its name alone.", text, ["br"], PARSER_REFUSES),
            ("gzip-in-name-alone", "It is not compressed.", text, ["gzip"], PARSER_REFUSES),
            ("gzip-then-identity", "Two codings on one line.", packed, ["gzip, identity"], unknown),
            ("identity-then-gzip", "Two lines.", packed, ["identity", "gzip"], unknown),
            ("gzip-then-gzip", "Compressed twice.", gzipped(packed), ["gzip", "gzip"], unknown),
            ("coding-in-upper-case", "Another case.", packed, ["GZIP"], inflated),
        ):
            codings = [f"Content-Encoding: {line}" for line in lines]
            made = post(*codings, body=body, version=version, name=name)
            suite.case(at(f"{id}-{name}", version), comment, made, ENCODED, hosts=hosts)
        made = post(body=packed, version=version, name=name)
        suite.case(at(f"gzip-unsaid-{name}", version), "Compressed, and nothing says so.", made, NOT_JSON, hosts=PARSER_REFUSES)
        for id, comment, line in (("identity", "No coding.", "identity"), ("coding-empty", "No coding.", "")):
            made = post(f"Content-Encoding: {line}", body=text.decode(), version=version, name=name)
            _either(suite, at(f"{id}-{name}", version), comment, made, name)


def _characters(suite: Suite, version: str | None) -> None:
    for name in ("weather", "erase"):
        text = tool(version, name)
        for id, coding in (("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be"), ("utf-16-marked", "utf-16"), ("utf-32", "utf-32-le")):
            body = text.encode(coding)
            suite.case(
                at(f"{id}-{name}", version), "Not UTF-8.", post(body=body, version=version, name=name), NOT_JSON, hosts=PARSER_REFUSES
            )
        said = parsed(PASSES, ran=["weather"]) if name == "weather" else parsed(DENIED)
        for id, coding in (("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be"), ("utf-16-marked", "utf-16")):
            content_type = f"{JSON}; charset={id.removesuffix('-marked')}"
            made = post(body=text.encode(coding), version=version, name=name, content_type=content_type)
            suite.case(at(f"{id}-said-{name}", version), "Not UTF-8, and it says so.", made, NOT_JSON, hosts=said)
        marked = "\ufeff" + text
        made = post(body=marked, version=version, name=name)
        hosts = parsed(PASSES, ran=["weather"]) if name == "weather" else parsed(DENIED)
        suite.case(at(f"byte-order-mark-{name}", version), "A mark in front.", made, NOT_JSON, hosts=hosts)


def _around(suite: Suite, version: str | None) -> None:
    for name in ("weather", "erase"):
        text = tool(version, name)
        for id, comment, body in (
            ("trailing-text", "Something behind.", f"{text}x"),
            ("trailing-object", "Another text behind.", f"{text}{{}}"),
            ("trailing-nul", "U+0000 behind.", f"{text}\0"),
            ("trailing-comment", "A comment behind.", f"{text}//"),
            ("trailing-comma", "A comma behind.", f"{text},"),
            ("leading-form-feed", "No blank of JSON.", f"\f{text}"),
            ("leading-no-break-space", "No blank of JSON.", f"\u00a0{text}"),
            ("leading-guard", "What some servers put in front.", f")]}}'\n{text}"),
            ("cut-short", "The last brace is missing.", text[:-1]),
            ("single-quotes", "No JSON.", text.replace('"', "'")),
        ):
            suite.case(at(f"{id}-{name}", version), comment, post(body=body, version=version, name=name), NOT_JSON, hosts=PARSER_REFUSES)
        for id, comment, body in (
            ("leading-blanks", "Blanks of JSON in front.", f" \t\r\n{text}"),
            ("trailing-blanks", "Blanks of JSON behind.", f"{text} \t\r\n"),
        ):
            _either(suite, at(f"{id}-{name}", version), comment, post(body=body, version=version, name=name), name)


def _types(suite: Suite, version: str | None) -> None:
    for name in ("weather", "erase"):
        text = tool(version, name)
        for id, value in (
            ("charset-utf-8", "application/json; charset=utf-8"),
            ("charset-quoted", 'application/json;charset="UTF-8"'),
            ("another-parameter", "application/json; profile=x"),
            ("type-in-upper-case", "APPLICATION/JSON"),
        ):
            made = post(body=text, version=version, name=name, content_type=f"Content-Type: {value}")
            strict = on(PYTHONS, "its SDK compares the type's letters", ran=[]) if id == "type-in-upper-case" and version != MODERN else {}
            _either(suite, at(f"{id}-{name}", version), "JSON in UTF-8.", made, name, strict)
        for id, value in (
            ("charset-utf-16", "application/json; charset=utf-16"),
            ("charset-latin-1", "application/json; charset=iso-8859-1"),
            ("charset-twice", "application/json; charset=utf-8; charset=utf-7"),
            ("charset-extended", "application/json; charset*=utf-8''utf-7"),
            ("charset-quoted-pair", 'application/json; charset="utf-\\7"'),
            ("charset-after-a-quote", 'application/json; x="; charset=utf-7'),
            ("type-text", "text/plain"),
            ("type-form", "application/x-www-form-urlencoded"),
            ("type-form-that-mentions-json", "application/x-www-form-urlencoded; x=application/json"),
            ("type-multipart", "multipart/form-data; boundary=x"),
            ("type-of-lines", "application/x-ndjson"),
            ("type-json-with-suffix", "application/vnd.x+json"),
            ("types-with-comma", "application/json, text/plain"),
            ("types-behind-a-parameter", "application/json; a=b, text/plain"),
            ("type-empty", ""),
        ):
            made = post(body=text, version=version, name=name, content_type=f"Content-Type: {value}".rstrip())
            hosts: dict[str, Deviation] = {}
            if id in ("charset-utf-16", "charset-latin-1"):
                hosts = {EXPRESS_JSON: Deviation("the parser in front refuses it", status(400 if id == "charset-utf-16" else 415))}
            elif id == "types-behind-a-parameter" and name == "weather":
                hosts = {EXPRESS_JSON: Deviation("the parser in front reads it, and the server behind refuses it", status(415))}
            elif id.startswith("charset-") and name == "weather":
                hosts = parsed(PASSES, ran=["weather"])
            suite.case(at(f"{id}-{name}", version), _NOT_JSON, made, OTHER_TYPE if name == "weather" else DENIED, hosts=hosts)
        two = post("Content-Type: text/plain", body=text, version=version, name=name)
        hosts = parsed(PASSES, ran=["weather"]) if name == "weather" else {}
        suite.case(
            at(f"types-{name}", version), "Two lines of Content-Type.", two, OTHER_TYPE if name == "weather" else DENIED, hosts=hosts
        )
        none = post(body=text, version=version, name=name, content_type=None)
        suite.case(at(f"type-absent-{name}", version), "The SDKs want one.", none, PASSES if name == "weather" else DENIED)
    for id, value in (("utf-7", "utf-7"), ("utf-7-imap", "utf-7-imap"), ("utf-7-quoted", '"utf-7"')):
        made = post(body=_two_readings(version, "&" if "imap" in id else "+"), version=version, content_type=f"{JSON}; charset={value}")
        suite.case(
            at(f"charset-{id}", version),
            "Allowed in UTF-8, denied in UTF-7.",
            made,
            OTHER_TYPE,
            hosts=parsed(MISMATCH if version == MODERN else DENIED),
        )
    form = post(body=_form(version), version=version, content_type="Content-Type: application/x-www-form-urlencoded")
    suite.case(at("form-that-is-json", version), "Allowed as JSON, denied as a form.", form, OTHER_TYPE)


_NOT_JSON = "Not JSON in UTF-8, by the type: a server behind may read it otherwise."


def _form(version: str | None) -> str:
    """A call of `weather`, whose argument is a form with a call of `erase`."""
    hidden = "&jsonrpc=2.0&id=1&method=tools/call&params[name]=erase&params[arguments][x]=1&y="
    return tool(version, "weather", arguments=compact({"text": hidden}))


def _two_readings(version: str | None, shift: str) -> str:
    """A call of `weather`, whose argument ends in UTF-7 and is followed by another name."""
    quote = f"{shift}ACI-"
    hidden = f"{quote}}},{quote}name{quote}:{quote}erase{quote},{quote}x{quote}:{{{quote}y{quote}:{quote}"
    return (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"weather","arguments":{{"text":"{hidden}"}}{meta(version)}}}}}'
    )


def _either(suite: Suite, id: str, comment: str, made: dict[str, Any], name: str, hosts: dict[str, Deviation] | None = None) -> None:
    """It is read as any other: the tool decides."""
    if name == "weather":
        suite.case(id, comment, made, PASSES, ran=["weather"], hosts=hosts)
    else:
        suite.case(id, comment, made, DENIED)
