"""Suites and cases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .answers import Answer, status
from .message import MODERN

PYTHON, GO, TOWER = "python", "go", "tower"
PROXIED, FASTMCP = "python-proxied", "python-fastmcp"
PYTHONS = (PYTHON, FASTMCP)
EXPRESS, EXPRESS_JSON, EXPRESS_V1 = "express", "express-json", "express-v1"
FASTIFY, HONO, FETCH = "fastify", "hono", "fetch"
WEB = (HONO, FETCH)
EXPRESSES = (EXPRESS, EXPRESS_JSON, EXPRESS_V1)
NODE = (*EXPRESSES, FASTIFY, *WEB)
HOSTS = (PYTHON, PROXIED, FASTMCP, GO, TOWER, *NODE)

_V1_IS_OLD = "SDK 1.32 does not speak 2026-07-28"

_TOKENS: dict[str, dict[str, Any]] = {
    "alice": {"sub": "alice", "scope": "mcp:tools:weather"},
    "mail": {"sub": "alice", "scope": "mcp:tools:weather mcp:tools:email:send"},
    "mallory": {"sub": "mallory", "scope": "mcp:tools:weather"},
    "expired": {"sub": "alice", "scope": "mcp:tools:weather", "expires_in": -3600},
}
_POLICY = {
    "default": [],
    "tools": {"weather": ["mcp:tools:weather"], "send_email": ["mcp:tools:email:send"], "erase": "deny", "drop_*": "deny"},
}


class Deviation(dict[str, Any]):
    """What a host does in place of what the case says, and why."""

    def __init__(self, why: str, *answers: Answer, ran: Sequence[str] | None = None) -> None:
        super().__init__(why=why)
        if answers:
            self["answers"] = list(answers)
        if ran is not None:
            self["ran"] = list(ran)


def on(hosts: Sequence[str], why: str, *answers: Answer, ran: Sequence[str] | None = None) -> dict[str, Deviation]:
    """The same deviation of several hosts."""
    return {host: Deviation(why, *answers, ran=ran) for host in hosts}


PARSER_REFUSES = {EXPRESS_JSON: Deviation("the parser in front refuses it", status(400))}
"""Of a body that is no JSON."""


def parsed(*answers: Answer, ran: Sequence[str] = ()) -> dict[str, Deviation]:
    """What becomes of a body that the parser in front made something of."""
    why = "the parser in front read it, and the policy judged what the server acts on"
    return {EXPRESS_JSON: Deviation(why, *answers, ran=ran)}


class Suite:
    """One file of exchanges, and the stage that they play on."""

    def __init__(self, name: str, comment: str, stage: str = "plain", resource: str = "https://mcp.test/mcp", **policy: Any) -> None:
        """`policy`: members that the policy has beside those of all suites."""
        self.name = name
        self.comment = comment
        self.stage = stage
        self.config: dict[str, Any] = {"resource": resource, "cors_origins": ["https://app.test"], "policy": _POLICY | policy}
        self.authorization_server_metadata: str | None = None
        self.tokens = dict(_TOKENS)
        self.cases: list[dict[str, Any]] = []

    def case(
        self,
        id: str,
        comment: str,
        requests: dict[str, Any] | list[dict[str, Any]],
        *answers: Answer,
        ran: Sequence[str] = (),
        hosts: Mapping[str, Deviation] | None = None,
        one_connection: bool = False,
        leaves: bool = False,
    ) -> None:
        """`answers`: one for each request; `ran`: what ran, in all of them. `hosts`: who does otherwise. `leaves`: the
        client ends its side of the connection behind what it sends.
        """
        requests = requests if isinstance(requests, list) else [requests]
        hosts = dict(hosts or {})
        modern = any(f"MCP-Protocol-Version: {MODERN}" in request["field_lines"] for request in requests)
        if modern and ran:
            hosts.setdefault(EXPRESS_V1, Deviation(_V1_IS_OLD, ran=[]))
        case: dict[str, Any] = {"id": id, "comment": comment, "requests": requests}
        if one_connection:
            case["one_connection"] = True
        if leaves:
            case["leaves"] = True
        case |= {"answers": list(answers), "ran": list(ran)}
        if hosts:
            case["hosts"] = {host: hosts[host] for host in HOSTS if host in hosts}
        self.cases.append(case)

    def text(self) -> str:
        """The file. ASCII alone, so that no editor changes a byte."""
        document = {
            "suite": self.name,
            "comment": self.comment,
            "stage": self.stage,
            "config": self.config,
            **({"authorization_server_metadata": metadata} if (metadata := self.authorization_server_metadata) else {}),
            "tokens": self.tokens,
            "number_of_cases": len(self.cases),
            "cases": self.cases,
        }
        return _pretty(document) + "\n"


def runs(tool: str = "weather") -> dict[str, Any]:
    """The rest of a case whose request passes and whose tool runs."""
    return {"ran": [tool]}


def at(name: str, version: str | None) -> str:
    """The id of a case on a version of the protocol."""
    return f"{name}@{version or 'none'}"


def _pretty(value: Any, indent: str = "") -> str:
    """JSON with one member or element to a line; lists of plain values and small objects stay on one."""
    plain = not isinstance(value, (dict, list)) or not any(isinstance(part, (dict, list)) for part in _parts(value))
    if plain and len(json.dumps(value)) <= 160:
        return json.dumps(value)
    if not isinstance(value, (dict, list)):
        return json.dumps(value)
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(name)}: {_pretty(member, deeper)}" for name, member in value.items()]
    else:
        lines = [_pretty(element, deeper) for element in value]
    brackets = "{}" if isinstance(value, dict) else "[]"
    return brackets[0] + ",".join(f"\n{deeper}{line}" for line in lines) + f"\n{indent}{brackets[1]}"


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
