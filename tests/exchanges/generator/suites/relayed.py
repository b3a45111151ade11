"""The authorization server's metadata, which older clients ask the resource for."""

from __future__ import annotations

from ..answers import NO_TOKEN, Answer, status
from ..request import bearer, request
from ..suite import FASTMCP, Suite, on

_TARGET = "/.well-known/oauth-authorization-server"
_ISSUER = "https://as.test"
_DOCUMENT = (
    f'{{"issuer":"{_ISSUER}","authorization_endpoint":"{_ISSUER}/authorize","token_endpoint":"{_ISSUER}/token",'
    '"jwks_uri":"https://keys.test/keys","response_types_supported":["code"],"x":"\\u00fc"}'
)


def suite() -> Suite:
    suite = Suite("relayed", "The authorization server's metadata is served at every adapter, without a token.")
    suite.config["serve_authorization_server_metadata"] = True
    suite.authorization_server_metadata = _DOCUMENT
    fields = {"Content-Type": "application/json", "Cache-Control": "public, max-age=3600"}
    document: Answer = {"status": 200, "challenge": None, "body": _DOCUMENT.replace("\\u00fc", "\u00fc"), "fields": fields}
    suite.case("relayed", "The document, checked and written anew.", request(method="GET", target=_TARGET), document)
    expired = request(*bearer("expired"), "Origin: https://evil.test", method="GET", target=f"{_TARGET}?x=1")
    suite.case("relayed-to-anybody", "Token, origin and query do not matter.", expired, document)
    head = request(method="HEAD", target=_TARGET)
    suite.case("relayed-head", "Without its body.", head, document | {"body": ""})
    asks = ("Origin: https://evil.test", "Access-Control-Request-Method: GET")
    suite.case("relayed-options", "A preflight.", request(*asks, method="OPTIONS", target=_TARGET), {"status": 204, "body": ""})
    posted = request("Content-Length: 0", method="POST", target=_TARGET)
    refused = {"status": 405, "challenge": None, "body": '{"error":"method_not_allowed"}'}
    suite.case("relayed-post", "Another method.", posted, refused)
    for id, target, why, code in (
        ("below", f"{_TARGET}/mcp", "nothing is there", 404),
        ("trailing-slash", f"{_TARGET}/", "its router sends clients elsewhere", 307),
        ("openid", "/.well-known/openid-configuration", "nothing is there", 404),
    ):
        hosts = on([FASTMCP], why, status(code))
        suite.case(f"relayed-{id}", f"The target is {target}", request(method="GET", target=target), NO_TOKEN, hosts=hosts)
    return suite
