"""The well-known routes, and preflights."""

from __future__ import annotations

from typing import Any

from ..suite import Group, Suite, config, request, server
from ..tokens import ISSUER

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ORIGIN = "https://app.test"
REFS = ["RFC 9728 3"]
PLAIN = '{"resource":"https://mcp.test/mcp","authorization_servers":["https://as.test"],"bearer_methods_supported":["header"]}'


def suite() -> Suite:
    result = Suite("well_known")
    _methods(result)
    _targets(result)
    _roots(result)
    _documents(result)
    _authorization_server(result)
    _preflights(result)
    return result


def _get(target: str, method: str = "GET", **members: Any) -> dict[str, Any]:
    return request(None, method, target, **members)


def _methods(suite: Suite) -> None:
    group = suite.group("A resource with a path.", config())
    target = WELL_KNOWN + "/mcp"
    headers = [["Content-Type", "application/json"], ["Cache-Control", "public, max-age=3600"], ["Access-Control-Allow-Origin", "*"]]
    group.well_known("get", "The document.", _get(target), 200, REFS, headers=headers, body=PLAIN)
    head = [*headers, ["Content-Length", str(len(PLAIN))]]
    group.well_known("head", "The same without its body.", _get(target, "HEAD"), 200, REFS, headers=head, body="")
    options = [
        ["Access-Control-Allow-Origin", "*"],
        ["Access-Control-Allow-Methods", "GET, HEAD"],
        ["Access-Control-Allow-Headers", "*, Authorization, MCP-Protocol-Version"],
        ["Access-Control-Max-Age", "86400"],
    ]
    group.well_known("options", "OPTIONS.", _get(target, "OPTIONS"), 204, REFS, headers=options, body="")
    preflight = {
        "origin": ["https://evil.test"],
        "access_control_request_method": "GET",
        "access_control_request_headers": "mcp-protocol-version",
    }
    comment = "The metadata is open to all: a preflight from any origin gets the same answer."
    group.well_known("options-preflight", comment, _get(target, "OPTIONS", **preflight), 204, REFS, headers=options, body="")
    refused = [["Content-Type", "application/json"], ["Allow", "GET, HEAD, OPTIONS"], ["Access-Control-Allow-Origin", "*"]]
    for method in ("POST", "PUT", "PATCH", "DELETE", "get"):
        id = f"method-{method.lower()}" + ("-lower-case" if method == "get" else "")
        body = '{"error":"method_not_allowed"}'
        group.well_known(id, "Another method.", _get(target, method), 405, REFS, headers=refused, body=body)
    group.well_known(
        "get-with-origin", "The origin does not matter.", _get(target, origin=["https://evil.test"]), 200, REFS, headers=headers
    )
    group.well_known("get-with-token", "Nor does a token.", request("x", "GET", target), 200, REFS, headers=headers)


def _targets(suite: Suite) -> None:
    group = suite.group("Targets, a resource with a path.", config())
    _table(
        group,
        "target",
        (
            ("query", f"{WELL_KNOWN}/mcp?x=1", 200),
            ("empty-query", f"{WELL_KNOWN}/mcp?", 200),
            ("slash", f"{WELL_KNOWN}/mcp/", None),
            ("root", WELL_KNOWN, None),
            ("root-slash", f"{WELL_KNOWN}/", None),
            ("longer", f"{WELL_KNOWN}/mcp2", None),
            ("below", f"{WELL_KNOWN}/mcp/x", None),
            ("other-case", f"{WELL_KNOWN}/MCP", None),
            ("upper-case", f"{WELL_KNOWN.upper()}/mcp", None),
            ("encoded", f"{WELL_KNOWN}/%6dcp", None),
            ("dot-segment", f"{WELL_KNOWN}/./mcp", None),
            ("double-slash", f"/{WELL_KNOWN}/mcp", None),
            ("without-dot", "/well-known/oauth-protected-resource/mcp", None),
            ("behind-path", f"/mcp{WELL_KNOWN}", None),
            ("authorization-server", "/.well-known/oauth-authorization-server", None),
            ("openid", "/.well-known/openid-configuration", None),
            ("resource", "/mcp", None),
            ("root-path", "/", None),
            ("empty", "", None),
            ("asterisk", "*", None),
        ),
    )


def _roots(suite: Suite) -> None:
    for id, resource, members, targets in (
        (
            "no-path",
            "https://mcp.test",
            {},
            ((WELL_KNOWN, 200), (f"{WELL_KNOWN}?x", 200), (f"{WELL_KNOWN}/", None), (f"{WELL_KNOWN}/mcp", None)),
        ),
        ("root-path", "https://mcp.test/", {}, ((WELL_KNOWN, 200), (f"{WELL_KNOWN}/", None))),
        (
            "slash",
            "https://mcp.test/a/b/",
            {},
            ((f"{WELL_KNOWN}/a/b/", 200), (f"{WELL_KNOWN}/a/b", 200), (f"{WELL_KNOWN}/a", None), (WELL_KNOWN, None)),
        ),
        ("deep", "https://mcp.test:8443/a/b", {}, ((f"{WELL_KNOWN}/a/b", 200), (f"{WELL_KNOWN}/a/b/", None))),
        (
            "served-root",
            "https://mcp.test/mcp",
            {"serve_root_metadata": True},
            ((WELL_KNOWN, 200), (f"{WELL_KNOWN}?x", 200), (f"{WELL_KNOWN}/mcp", 200), (f"{WELL_KNOWN}/", None)),
        ),
    ):
        group = suite.group(f"The resource {resource}{', its root form served' if members else ''}.", config(resource=resource, **members))
        _table(group, id, tuple((f"{index}", target, status) for index, (target, status) in enumerate(targets)))
        if members:
            group.well_known("served-root-post", "Another method on the root form.", _get(WELL_KNOWN, "POST"), 405, REFS)
            group.well_known("served-root-head", "HEAD on the root form.", _get(WELL_KNOWN, "HEAD"), 200, REFS)


def _table(group: Group, prefix: str, rows: tuple[tuple[str, str, int | None], ...]) -> None:
    for id, target, status in rows:
        comment = "Ours." if status else "The application's."
        group.well_known(f"{prefix}-{id}", comment, _get(target), status, ["RFC 9728 3.1", "CL-02"])


def _documents(suite: Suite) -> None:
    start = '{"resource":"https://mcp.test/mcp","authorization_servers":'
    end = ',"bearer_methods_supported":["header"]'
    metadata = {
        "resource_name": "Wetter – Süd <\"&'>",
        "resource_name#de": "Wetter",
        "zeta": {"b": 1, "a": [True, None, 1.5]},
        "resource_documentation": "https://mcp.test/docs",
        "alpha": "a/b\\c\u2028\t",
    }
    other = {"issuer": "https://other.test"}
    for id, comment, configuration, body in (
        (
            "scopes",
            "`scopes_supported` in its order.",
            config(scopes_supported=["b", "a"]),
            f'{start}["https://as.test"],"scopes_supported":["b","a"]{end}}}',
        ),
        ("no-scopes", "Scopes that are needed are not advertised.", config(required_scopes=["r"]), f'{start}["https://as.test"]{end}}}'),
        (
            "two-servers",
            "Two servers in their order.",
            config(server(**other), server()),
            f'{start}["https://other.test","https://as.test"]{end}}}',
        ),
        (
            "not-advertised",
            "A server that is left out.",
            config(server(**other, advertise=False), server()),
            f'{start}["https://as.test"]{end}}}',
        ),
        (
            "advertised-as",
            "A server under another identifier.",
            config(server(advertise="https://login.test")),
            f'{start}["https://login.test"]{end}}}',
        ),
        (
            "advertised-once",
            "The same identifier twice.",
            config(server(), server(**other, advertise=ISSUER)),
            f'{start}["https://as.test"]{end}}}',
        ),
        (
            "issuer-list",
            "The first of several accepted issuers.",
            config(server(issuer=["https://as.test/v2", "https://as.test/v1"])),
            f'{start}["https://as.test/v2"]{end}}}',
        ),
        (
            "metadata-issuer",
            "`metadata_issuer`.",
            config(server(metadata_issuer="https://as.test/meta")),
            f'{start}["https://as.test/meta"]{end}}}',
        ),
        (
            "metadata",
            "Further members in their own order, letters as they are.",
            config(metadata=metadata),
            f'{start}["https://as.test"]{end},"resource_name":"Wetter – Süd <\\"&\'>","resource_name#de":"Wetter","zeta":{{"b":1,"a":[true,null,1.5]}},'
            '"resource_documentation":"https://mcp.test/docs","alpha":"a/b\\\\c\u2028\\t"}',
        ),
    ):
        group = suite.group(f"The document: {comment[0].lower()}{comment[1:]}", configuration)
        group.well_known(f"document-{id}", comment, _get(WELL_KNOWN + "/mcp"), 200, ["RFC 9728 2", "RFC 9728 3.2", "CL-03"], body=body)
        if id == "metadata":
            length = str(len(body.encode("utf-8")))
            headers = [
                ["Content-Type", "application/json"],
                ["Cache-Control", "public, max-age=3600"],
                ["Access-Control-Allow-Origin", "*"],
                ["Content-Length", length],
            ]
            group.well_known(
                "document-metadata-head",
                "Bytes count, not letters.",
                _get(WELL_KNOWN + "/mcp", "HEAD"),
                200,
                ["RFC 9110 9.3.2"],
                headers=headers,
            )


def _authorization_server(suite: Suite) -> None:
    """The metadata of an authorization server at which nothing listens: no vector can have the document served."""
    unreachable = server(discovery_url="http://127.0.0.1:1/metadata")
    group = suite.group(
        "The authorization server's metadata is served, once it is there.",
        config(unreachable, serve_authorization_server_metadata=True, cors_origins=[ORIGIN]),
    )
    target, refs = "/.well-known/oauth-authorization-server", ["RFC 8414 3"]
    open_to_all = ["Access-Control-Allow-Origin", "*"]
    headers = [["Content-Type", "application/json"], ["Cache-Control", "no-store"], ["Retry-After", "1"], open_to_all]
    body = '{"error":"temporarily_unavailable"}'
    comment = "It is not there yet."
    group.well_known("relayed-cold", comment, _get(target), 503, refs, headers=headers, body=body)
    head = [*headers, ["Content-Length", str(len(body))]]
    group.well_known("relayed-cold-head", comment, _get(target, "HEAD"), 503, refs, headers=head, body="")
    with_query = _get(f"{target}?x=1", origin=["https://evil.test"])
    group.well_known("relayed-cold-query", "Query and origin do not matter.", with_query, 503, refs, headers=headers, body=body)
    options = [
        open_to_all,
        ["Access-Control-Allow-Methods", "GET, HEAD"],
        ["Access-Control-Allow-Headers", "*, Authorization, MCP-Protocol-Version"],
        ["Access-Control-Max-Age", "86400"],
    ]
    group.well_known("relayed-options", "OPTIONS.", _get(target, "OPTIONS"), 204, refs, headers=options, body="")
    preflight = {"origin": [ORIGIN], "access_control_request_method": "GET"}
    comment = "A preflight gets the same answer, from a listed origin too."
    group.well_known("relayed-preflight", comment, _get(target, "OPTIONS", **preflight), 204, refs, headers=options, body="")
    refused = [["Content-Type", "application/json"], ["Allow", "GET, HEAD, OPTIONS"], open_to_all]
    for method in ("POST", "DELETE", "get"):
        id = f"relayed-method-{method.lower()}" + ("-lower-case" if method == "get" else "")
        group.well_known(id, "Another method.", _get(target, method), 405, refs, headers=refused, body='{"error":"method_not_allowed"}')
    _table(
        group,
        "relayed-target",
        (
            ("slash", f"{target}/", None),
            ("with-path", f"{target}/mcp", None),
            ("behind-path", f"/mcp{target}", None),
            ("upper-case", target.upper(), None),
            ("encoded", "/.well-known/oauth-authorization%2Dserver", None),
            ("double-slash", f"/{target}", None),
            ("openid", "/.well-known/openid-configuration", None),
            ("resource-metadata", f"{WELL_KNOWN}/mcp", 200),
        ),
    )


def _preflights(suite: Suite) -> None:
    group = suite.group("Preflights, with `cors_origins`.", config(cors_origins=[ORIGIN]))
    asks: dict[str, Any] = {"access_control_request_method": "POST"}
    names = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP"

    def answer(extra: str = "") -> list[list[str]]:
        return [
            ["Access-Control-Allow-Origin", ORIGIN],
            ["Vary", "Origin"],
            ["Access-Control-Allow-Methods", "GET, POST, DELETE"],
            ["Access-Control-Allow-Headers", names + extra],
            ["Access-Control-Max-Age", "86400"],
        ]

    listed: dict[str, Any] = {"origin": [ORIGIN], **asks}
    for id, comment, target, members, headers in (
        ("listed", "A listed origin.", "/mcp", listed, answer()),
        ("other-path", "Any path.", "/anything?x=1", listed, answer()),
        (
            "headers-asked",
            "Names that are allowed anyway.",
            "/mcp",
            listed | {"access_control_request_headers": "authorization,content-type"},
            answer(),
        ),
        (
            "foreign-headers",
            "Names that are not ours.",
            "/mcp",
            listed | {"access_control_request_headers": "x-evil,authorization"},
            answer(),
        ),
        (
            "param",
            "An `Mcp-Param-` name.",
            "/mcp",
            listed | {"access_control_request_headers": "authorization,mcp-param-city"},
            answer(", mcp-param-city"),
        ),
        (
            "params",
            "Several, as they were asked for.",
            "/mcp",
            listed | {"access_control_request_headers": "mcp-param-b, Mcp-Param-A,x"},
            answer(", mcp-param-b, Mcp-Param-A"),
        ),
        ("param-nameless", "A prefix alone is no name.", "/mcp", listed | {"access_control_request_headers": "mcp-param-"}, answer()),
        (
            "param-no-token",
            "What is no header name is not repeated.",
            "/mcp",
            listed | {"access_control_request_headers": "mcp-param-a b,mcp-param-<c>,mcp-param-\u00e9"},
            answer(),
        ),
        ("unlisted", "Another origin.", "/mcp", {"origin": ["https://evil.test"], **asks}, []),
        ("null-origin", "An opaque origin.", "/mcp", {"origin": ["null"], **asks}, []),
        ("origin-case", "Origins are compared exactly.", "/mcp", {"origin": ["https://APP.test"], **asks}, []),
    ):
        group.well_known(f"preflight-{id}", comment, _get(target, "OPTIONS", **members), 204, ["CL-16"], headers=headers, body="")
    for id, comment, method, members in (
        ("no-origin", "Without an origin it is no preflight.", "OPTIONS", asks),
        ("no-method", "Without a method it is no preflight.", "OPTIONS", {"origin": [ORIGIN]}),
        ("post", "Another method is no preflight.", "POST", listed),
        ("get", "Another method is no preflight.", "GET", listed),
    ):
        group.well_known(f"no-preflight-{id}", comment, _get("/mcp", method, **members), None, ["CL-16"])
    group = suite.group("Preflights, without `cors_origins`.", config())
    group.well_known(
        "preflight-none-listed", "Answered, and nothing is allowed.", _get("/mcp", "OPTIONS", **listed), 204, ["CL-16"], headers=[], body=""
    )
