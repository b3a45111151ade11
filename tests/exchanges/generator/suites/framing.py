"""Where a body ends, and which request comes next: HTTP/1.1 as its parsers read it."""

from __future__ import annotations

from ..answers import CLOSED, DENIED, NO_TOKEN, PASSES, status
from ..message import tool
from ..request import ACCEPT, JSON, bearer, post, request, size
from ..suite import GO, PYTHONS, TOWER, Suite, on

_WEATHER, _ERASE = tool(None, "weather"), tool(None, "erase")


def suite() -> Suite:
    suite = Suite("framing", "The HTTP server finds the end of a body, and what it takes for the body is what is judged.")
    _chunks(suite)
    _contradictions(suite)
    _connections(suite)
    return suite


def _chunked(*pieces: str, extension: str = "", trailers: str = "") -> str:
    chunks = "".join(f"{len(piece.encode()):x}{extension}\r\n{piece}\r\n" for piece in pieces)
    return f"{chunks}0\r\n{trailers}\r\n"


def _sent(*lines: str, body: str, token: str | None = "alice", http: str = "1.1", keep: bool = False) -> dict[str, object]:
    """These lines beside the honest ones, which say nothing of the body's length."""
    return request(JSON, ACCEPT, *bearer(token), *lines, body=body, http=http, keep=keep)


def _chunks(suite: Suite) -> None:
    coding = "Transfer-Encoding: chunked"
    half = len(_ERASE) // 2
    for name, text in (("weather", _WEATHER), ("erase", _ERASE)):
        answer, ran = (PASSES, ["weather"]) if name == "weather" else (DENIED, [])
        for id, comment, body in (
            ("one-chunk", "One chunk.", _chunked(text)),
            ("many-chunks", "Chunks of one byte.", _chunked(*text)),
            ("chunk-extensions", "Extensions of chunks.", _chunked(text, extension=";name=weather")),
            (
                "trailers",
                "A credential in a trailer is none, and the one in front holds.",
                _chunked(text, trailers="Authorization: Bearer token\r\n"),
            ),
            ("upper-case-size", "Sizes in upper case, with zeros in front.", f"000{len(text):X}\r\n{text}\r\n0\r\n\r\n"),
        ):
            suite.case(f"{id}-{name}", comment, _sent(coding, body=body), answer, ran=ran)
    late = _sent(coding, body=_chunked(_WEATHER, trailers="Authorization: Bearer token\r\n"), token=None)
    suite.case("token-in-a-trailer", "A credential in a trailer is none.", late, NO_TOKEN)
    split = _chunked(_WEATHER[:half], _ERASE[half:])
    suite.case("chunks-of-two-calls", "The first half of one call, the second of another.", _sent(coding, body=split), DENIED)
    short = f"{len(_WEATHER):x}\r\n{_WEATHER[:-1]}\r\n0\r\n\r\n"
    suite.case("chunk-too-short", "Fewer bytes than its size says.", _sent(coding, body=short), status(400))
    suite.case("chunk-size-no-number", "No size.", _sent(coding, body=f"zz\r\n{_WEATHER}\r\n0\r\n\r\n"), status(400))
    suite.case("chunk-size-negative", "A size below zero.", _sent(coding, body=f"-1\r\n{_WEATHER}\r\n0\r\n\r\n"), status(400))
    huge = f"ffffffffffffffff1\r\n{_WEATHER}\r\n0\r\n\r\n"
    suite.case(
        "chunk-size-overflows",
        "A size of 68 bits.",
        _sent(coding, body=huge),
        status(400),
        hosts=on(PYTHONS, "h11 waits for the rest of it", CLOSED),
    )


def _contradictions(suite: Suite) -> None:
    length = f"Content-Length: {size(_WEATHER)}"
    chunks = _chunked(_ERASE)
    for id, comment, made in (
        ("length-and-chunks", "A length and chunks.", _sent(length, "Transfer-Encoding: chunked", body=chunks)),
        ("chunks-and-length", "Chunks and a length.", _sent("Transfer-Encoding: chunked", "Content-Length: 4", body=chunks)),
        ("two-lengths", "Two lengths.", _sent(length, "Content-Length: 4", body=_WEATHER)),
        ("lengths-with-comma", "Two lengths on one line.", _sent(f"{length}, 4", body=_WEATHER)),
        ("length-negative", "A length below zero.", _sent("Content-Length: -1", body=_WEATHER)),
        ("length-with-plus", "A sign.", _sent(f"Content-Length: +{size(_WEATHER)}", body=_WEATHER)),
        ("length-in-hexadecimal", "Another base.", _sent("Content-Length: 0x10", body=_WEATHER)),
        ("length-overflows", "A length of 68 bits.", _sent("Content-Length: 295147905179352825841", body=_WEATHER)),
        ("coding-unknown", "A coding that nobody knows.", _sent("Transfer-Encoding: x-chunked", body=chunks)),
        ("coding-identity", "A coding that is gone.", _sent("Transfer-Encoding: identity", body=_ERASE)),
        ("coding-chunked-first", "Chunks that are not the last coding.", _sent("Transfer-Encoding: chunked, gzip", body=chunks)),
        ("coding-with-a-blank-in-its-name", "A blank before the colon.", _sent("Transfer-Encoding : chunked", body=chunks)),
        ("coding-on-two-lines", "Two codings.", _sent("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=chunks)),
        ("coding-folded", "A folded line.", _sent("Transfer-Encoding:\r\n chunked", body=chunks)),
        ("name-with-nul", "U+0000 in a name.", _sent("X\0: y", length, body=_WEATHER)),
        ("line-without-colon", "No field.", _sent("weather", length, body=_WEATHER)),
        ("bare-line-feed", "A line that ends early.", _sent(f"X: y\n{length}", body=_WEATHER)),
        ("bare-carriage-return", "A line that ends early.", _sent(f"X: y\rAuthorization: Bearer x\r\n{length}", body=_WEATHER)),
        ("no-host", "Every request of HTTP/1.1 names its host.", _without_host()),
    ):
        suite.case(id, comment, made, status(400), hosts=_LENIENT.get(id))
    once = on((*PYTHONS, GO, TOWER), "its parser of HTTP takes them for one", PASSES, ran=["weather"])
    suite.case("two-lengths-the-same", "One length, said twice.", _sent(length, length, body=_WEATHER), status(400), hosts=once)
    suite.case("length-absent", "Without a length there is no body.", _sent(body=_ERASE), PASSES)
    suite.case(
        "length-too-long",
        "The client leaves before the end.",
        _sent(f"Content-Length: {size(_ERASE) + 1}", body=_ERASE),
        status(400),
        leaves=True,
        hosts=on(PYTHONS, "nobody is left to answer", CLOSED),
    )
    suite.case("length-zero", "No body, and bytes behind it.", _sent("Content-Length: 0", body=_ERASE), PASSES)
    for name, text in (("weather", _WEATHER), ("erase", _ERASE)):
        made = _sent(f"Content-Length: {size(text)}", body=text, http="1.0")
        ran = ["weather"] if name == "weather" else []
        suite.case(f"http-1.0-{name}", "HTTP/1.0.", made, PASSES if name == "weather" else DENIED, ran=ran)
    suite.case(
        "http-1.0-chunks",
        "HTTP/1.0 has no chunks.",
        _sent("Transfer-Encoding: chunked", body=chunks, http="1.0"),
        DENIED,
        hosts=on([GO, TOWER], "its parser of HTTP refuses it", status(400)),
    )
    suite.case("http-1.0-without-length", "HTTP/1.0 without a length.", _sent(body=_ERASE, http="1.0"), PASSES)
    suite.case(
        "http-0.9", "Nobody speaks it.", _sent(f"Content-Length: {size(_ERASE)}", body=_ERASE, http="0.9"), DENIED, hosts=_NO_VERSION
    )
    suite.case(
        "http-2.0",
        "HTTP/2 in the letters of HTTP/1.",
        _sent(f"Content-Length: {size(_ERASE)}", body=_ERASE, http="2.0"),
        DENIED,
        hosts=_NO_VERSION,
    )


_CHUNKS_COUNT = on((*PYTHONS, GO, TOWER), "the chunks count, and are judged", DENIED)
_NOT_SUPPORTED = on([GO], "its parser of HTTP has another status for it", status(501))
_NO_VERSION = on([GO], "its parser of HTTP has no such version", status(505)) | on([TOWER], "its parser of HTTP refuses it", status(400))
_LENIENT = {
    "length-and-chunks": _CHUNKS_COUNT,
    "chunks-and-length": _CHUNKS_COUNT,
    "coding-folded": on((*PYTHONS, GO), "the chunks count, and are judged", DENIED),
    "coding-unknown": _NOT_SUPPORTED,
    "coding-identity": _NOT_SUPPORTED,
    "coding-chunked-first": _NOT_SUPPORTED,
    "coding-on-two-lines": _NOT_SUPPORTED | on([TOWER], "the chunks count, and are judged", DENIED),
    "no-host": on([TOWER], "its parser of HTTP asks for none", PASSES, ran=["weather"]),
    "bare-line-feed": on((*PYTHONS, GO, TOWER), "its parser of HTTP ends lines there too", PASSES, ran=["weather"]),
}


def _without_host() -> dict[str, object]:
    made = _sent(f"Content-Length: {size(_WEATHER)}", body=_WEATHER)
    return made | {"field_lines": made["field_lines"][1:]}  # type: ignore[index]


def _connections(suite: Suite) -> None:
    good, bad, strange = (
        post(body=_WEATHER, keep=True),
        post(body=_ERASE, name="erase", keep=True),
        post(body=_WEATHER, token=None, keep=True),
    )
    last = post(body=_WEATHER)
    for id, comment, requests, answers, ran in (
        ("good-then-denied", "The second is judged by itself.", [good, post(body=_ERASE)], [PASSES, DENIED], ["weather"]),
        ("good-then-strange", "A token is of one request.", [good, post(body=_WEATHER, token=None)], [PASSES, NO_TOKEN], ["weather"]),
        ("denied-then-good", "A refusal spoils nothing.", [bad, last], [DENIED, PASSES], ["weather"]),
        ("strange-then-good", "The body of a stranger is no request.", [strange, last], [NO_TOKEN, PASSES], ["weather"]),
        ("good-twice", "Each is answered.", [good, last], [PASSES, PASSES], ["weather", "weather"]),
    ):
        suite.case(f"pipelined-{id}", comment, requests, *answers, ran=ran, one_connection=True)
    _hidden(suite)
    waiting = post("Expect: 100-continue", body=_WEATHER)
    suite.case("expect-weather", "The client would wait.", waiting, PASSES, ran=["weather"])
    suite.case("expect-erase", "The client would wait.", post("Expect: 100-continue", body=_ERASE), DENIED)
    stranger = post("Expect: 100-continue", body=_WEATHER, token=None)
    suite.case("expect-without-token", "The client would wait.", stranger, NO_TOKEN)
    suite.case(
        "expect-nonsense",
        "An expectation that nobody meets.",
        post("Expect: 200-ok", body=_ERASE),
        status(417),
        hosts=on((*PYTHONS, TOWER), "its server passes it on", DENIED),
    )


def _hidden(suite: Suite) -> None:
    """A request in the body of another: it is never one of its own."""
    inner = f"POST /mcp HTTP/1.1\r\nHost: mcp.test\r\n{JSON}\r\n{ACCEPT}\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{{}}"
    lines = ["Origin: https://app.test", "Access-Control-Request-Method: POST"]
    preflight = request(*lines, f"Content-Length: {size(inner)}", body=inner, method="OPTIONS", keep=True)
    last = post(body=_WEATHER)
    suite.case(
        "pipelined-body-of-a-preflight",
        "Its body is no request.",
        [preflight, last],
        status(204),
        PASSES,
        ran=["weather"],
        one_connection=True,
    )
    strange = request(f"Content-Length: {size(inner)}", body=inner, method="POST", keep=True)
    suite.case(
        "pipelined-body-of-a-stranger", "Its body is no request.", [strange, last], NO_TOKEN, PASSES, ran=["weather"], one_connection=True
    )
