"""The well-known routes and preflights (rules section 7, and section 2 for preflights)."""

from __future__ import annotations

import re
from typing import Any

from ..strict_json import compact
from .configuration import WELL_KNOWN, Configuration

_PREFLIGHT_HEADERS = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP"
_AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
_HTTP_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def well_known(config: Configuration, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer, or None for what is the application's."""
    path = request["target"].split("?")[0]
    if path in _metadata_paths(config):
        return _metadata(metadata_document(config), request["method"])
    if config.serve_authorization_server_metadata and path == _AUTHORIZATION_SERVER:
        return _metadata(None, request["method"])
    if request["method"] == "OPTIONS" and request.get("origin") and "access_control_request_method" in request:
        return _preflight(config, request)
    return None


def metadata_document(config: Configuration) -> str:
    """The RFC 9728 document. Members with a zero value are left out."""
    advertised = [server.advertise for server in config.servers if server.advertise is not None]
    members = {
        "resource": config.resource,
        "authorization_servers": list(dict.fromkeys(advertised)),
        "scopes_supported": config.scopes_supported,
        "bearer_methods_supported": ["header"],
        **config.metadata,
    }
    return compact({name: value for name, value in members.items() if value not in ("", [], {}, None)})


def _metadata_paths(config: Configuration) -> list[str]:
    path = config.metadata_path()
    return [path, path.rstrip("/"), *([WELL_KNOWN] if config.serve_root_metadata else [])]


def _metadata(document: str | None, method: str) -> dict[str, Any]:
    """The answer with this document; without one, that it is not there yet."""
    allow_origin = ["Access-Control-Allow-Origin", "*"]
    status, caching = 200, [["Cache-Control", "public, max-age=3600"]]
    if document is None:
        status, caching = 503, [["Cache-Control", "no-store"], ["Retry-After", "1"]]
        document = '{"error":"temporarily_unavailable"}'
    headers = [["Content-Type", "application/json"], *caching, allow_origin]
    if method == "GET":
        return {"status": status, "headers": headers, "body": document}
    if method == "HEAD":
        length = ["Content-Length", str(len(document.encode("utf-8")))]
        return {"status": status, "headers": [*headers, length], "body": ""}
    if method == "OPTIONS":
        headers = [
            allow_origin,
            ["Access-Control-Allow-Methods", "GET, HEAD"],
            ["Access-Control-Allow-Headers", "*, Authorization, MCP-Protocol-Version"],
            ["Access-Control-Max-Age", "86400"],
        ]
        return {"status": 204, "headers": headers, "body": ""}
    headers = [["Content-Type", "application/json"], ["Allow", "GET, HEAD, OPTIONS"], allow_origin]
    return {"status": 405, "headers": headers, "body": '{"error":"method_not_allowed"}'}


def _preflight(config: Configuration, request: dict[str, Any]) -> dict[str, Any]:
    origin = request["origin"]
    if len(origin) != 1 or origin[0] not in config.cors_origins:
        return {"status": 204, "headers": [], "body": ""}
    asked = [name.strip(" \t") for name in request.get("access_control_request_headers", "").split(",")]
    params = [name for name in asked if re.fullmatch(rf"(?i:mcp-param-){_HTTP_TOKEN}", name)]
    headers = [
        ["Access-Control-Allow-Origin", origin[0]],
        ["Vary", "Origin"],
        ["Access-Control-Allow-Methods", "GET, POST, DELETE"],
        ["Access-Control-Allow-Headers", ", ".join([_PREFLIGHT_HEADERS, *params])],
        ["Access-Control-Max-Age", "86400"],
    ]
    return {"status": 204, "headers": headers, "body": ""}
