"""Suites, groups and cases. A case states its answer by hand; the model must come to the same one."""

from __future__ import annotations

import json
from typing import Any

from .keys import public_jwk
from .model.configuration import changed, read_configuration
from .model.decision import Decision, decide, decide_further, is_allowed
from .model.declared import report
from .model.explanation import explanation, failed_check
from .model.well_known import well_known
from .tokens import ISSUER, NOW, RESOURCE, bearer

OK: list[str] = []


_REQUEST_MEMBERS = (
    "authorization",
    "method",
    "target",
    "origin",
    "access_control_request_method",
    "access_control_request_headers",
    "scopes",
    "protocol_version",
    "mcp_method",
    "mcp_name",
    "body",
    "body_base64",
    "calls",
)


class WrongVector(Exception):
    """A case states an answer that the model does not come to."""


def key_set(*keys: str | dict[str, Any]) -> dict[str, Any]:
    """A JWK set of named keys (as they are) and of given JWKs."""
    return {"keys": [public_jwk(key) if isinstance(key, str) else key for key in keys]}


def server(*keys: str | dict[str, Any], **members: Any) -> dict[str, Any]:
    """An authorization server object with inline keys; with `ed-a` alone unless keys are named."""
    return {"issuer": ISSUER, "jwks": key_set(*(keys or ("ed-a",)))} | members


def unreachable_server(**members: Any) -> dict[str, Any]:
    """A server whose keys can never be had: nothing listens there."""
    return {"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:1/keys"} | members


def config(*servers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A whole configuration."""
    return {"resource": RESOURCE, "authorization_servers": list(servers) or [server()]} | members


def outage(**members: Any) -> dict[str, Any]:
    """A whole configuration whose keys can never be had. Nothing is tried again meanwhile: it would change the `Retry-After`."""
    return config(unreachable_server(), keys={"background_refresh": False}, **members)


def request(credential: str | None = None, method: str = "POST", target: str = "/mcp", **members: Any) -> dict[str, Any]:
    """A request with one Bearer credential, or with none."""
    lines = {} if credential is None else {"authorization": bearer(credential)}
    return lines | {"method": method, "target": target} | members


class Group:
    """Cases that run, in order, against one server."""

    def __init__(
        self,
        comment: str,
        configuration: dict[str, Any],
        declared: list[dict[str, Any]] | None = None,
        derive: dict[str, Any] | None = None,
    ) -> None:
        self.comment = comment
        self.configuration = configuration
        self.cases: list[dict[str, Any]] = []
        self._declared = declared
        self._derive = derive
        whole = configuration if derive is None else changed(configuration, derive)
        self._report = None if declared is None else report(whole.get("policy"), declared)
        self._read = read_configuration(whole, declared)

    def reports(self, **stated: Any) -> None:
        """What the report of the declaration says: every list that is not empty, and `default`. A sentence as a log has it."""
        found = {name: part for name, part in (self._report or {}).items() if part or name == "default"}
        if "forgotten" in found:
            found["forgotten"] = [f"{sentence['path']}: {sentence['message']}" for sentence in found["forgotten"]]
        _compare(f"{self.comment} report", stated, found)

    def members(self) -> dict[str, Any]:
        """The group as it is written."""
        derive = {} if self._derive is None else {"derive": self._derive}
        declared = {} if self._declared is None else {"declared": self._declared, "report": self._report}
        return {"comment": self.comment, "config": self.configuration} | derive | declared | {"cases": self.cases}

    def authorize(
        self,
        id: str,
        comment: str,
        what: dict[str, Any],
        faults: str | list[str],
        refs: list[str] | None = None,
        now: int = NOW,
        **stated: Any,
    ) -> None:
        """`faults`: every check that fails, in order; [] for a good token. `stated`: parts of the answer, by hand."""
        decision = self._decide(id, what, faults, now)
        expect = decision.refusal() if decision.faults else {"token": decision.token()}
        self._add(id, comment, refs, "authorize", {"request": what}, expect, now, stated)

    def credential(self, id: str, comment: str, credential: str, faults: str | list[str], *refs: str) -> None:
        """A request of which nothing but the credential is of interest."""
        self.authorize(id, comment, request(credential), faults, list(refs))

    def explain(
        self,
        id: str,
        comment: str,
        what: dict[str, Any],
        reason: str | None,
        failed: str | None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
        refs: list[str] | None = None,
        now: int = NOW,
    ) -> None:
        """`reason` and `failed`: why the request is refused, and the check at which that is found; then what is said of that
        check, by hand.
        """
        explained = explanation(decide(self._read, what, now))
        _compare(id, [reason, failed], [explained["reason"], failed_check(explained)])
        expect = explained | {"expected": expected, "found": found, "hint": hint}
        self._add(id, comment, refs, "explain", {"request": what}, expect, now, {})

    def require(
        self,
        id: str,
        comment: str,
        what: dict[str, Any],
        then: dict[str, Any],
        faults: str | list[str],
        refs: list[str] | None = None,
        now: int = NOW,
        **stated: Any,
    ) -> None:
        """A token that `what` brought, and the further need of `then`."""
        first = self._decide(id, what, OK, now)
        further = decide_further(first, then)
        _compare(id, faults, further.faults)
        expect = further.refusal() if further.faults else {"token": first.token()}
        self._add(id, comment, refs, "require", {"request": what, "then": then}, expect, now, stated)

    def allowed(
        self, id: str, comment: str, what: dict[str, Any], name: str, allowed: bool, refs: list[str] | None = None, kind: str = "tools"
    ) -> None:
        """Whether the token may use the tool, the prompt or the resource."""
        first = self._decide(id, what, OK, NOW)
        _compare(id, allowed, is_allowed(first, kind, name))
        members = {"request": what, "kind": kind, "name": name}
        self._add(id, comment, refs, "allowed", members, {"allowed": allowed}, NOW, {})

    def well_known(
        self, id: str, comment: str, what: dict[str, Any], status: int | None, refs: list[str] | None = None, **stated: Any
    ) -> None:
        """`status` None: not a path of ours."""
        response = well_known(self._read, what)
        _compare(id, status, None if response is None else response["status"])
        _compare_parts(id, stated, response or {})
        self._add(id, comment, refs, "well_known", {"request": what}, {"response": response}, NOW, {})

    def _decide(self, id: str, what: dict[str, Any], faults: str | list[str], now: int) -> Decision:
        decision = decide(self._read, what, now)
        _compare(id, faults, decision.faults)
        return decision

    def _add(
        self,
        id: str,
        comment: str,
        refs: list[str] | None,
        operation: str,
        members: dict[str, Any],
        expect: dict[str, Any],
        now: int,
        stated: dict[str, Any],
    ) -> None:
        _compare_parts(id, stated, expect.get("token") or _flat(expect))
        head = {"id": id, "comment": comment, "refs": refs or [], "now": now, "operation": operation}
        requests = {name: _in_order(members[name]) for name in ("request", "then") if name in members}
        self.cases.append(head | members | requests | {"expect": expect})


class Suite:
    """One file of vectors."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: list[Group] = []

    def group(
        self,
        comment: str,
        configuration: dict[str, Any],
        declared: list[dict[str, Any]] | None = None,
        derive: dict[str, Any] | None = None,
    ) -> Group:
        group = Group(comment, configuration, declared, derive)
        self.groups.append(group)
        return group

    def cases(self) -> list[dict[str, Any]]:
        return [case for group in self.groups for case in group.cases]

    def text(self) -> str:
        """The file. ASCII alone, so that no editor changes a byte."""
        groups = [group.members() for group in self.groups]
        document = {"suite": self.name, "number_of_tests": len(self.cases()), "groups": groups}
        return _pretty(document) + "\n"


def _in_order(what: dict[str, Any]) -> dict[str, Any]:
    """A request with its members in the order of the README. A name that is not there is a mistake in a suite."""
    return {name: what[name] for name in sorted(what, key=_REQUEST_MEMBERS.index)}


def _pretty(value: Any, indent: str = "") -> str:
    """JSON with one member or element to a line; lists of plain values stay on one."""
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value)
    if isinstance(value, list) and not any(isinstance(element, (dict, list)) for element in value):
        return json.dumps(value)
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(name)}: {_pretty(member, deeper)}" for name, member in value.items()]
    else:
        lines = [_pretty(element, deeper) for element in value]
    brackets = "{}" if isinstance(value, dict) else "[]"
    return brackets[0] + ",".join(f"\n{deeper}{line}" for line in lines) + f"\n{indent}{brackets[1]}"


def _flat(expect: dict[str, Any]) -> dict[str, Any]:
    """A refusal with its headers by name, for stating one of them."""
    return expect | {name.lower().replace("-", "_"): value for name, value in expect.get("headers", [])}


def _compare_parts(id: str, stated: dict[str, Any], found: dict[str, Any]) -> None:
    for name, value in stated.items():
        _compare(f"{id}, {name}", value, found.get(name))


def _compare(where: str, stated: Any, found: Any) -> None:
    stated = [stated] if isinstance(stated, str) and isinstance(found, list) else stated
    if stated != found:
        raise WrongVector(f"{where}: stated {stated!r}, the model says {found!r}")
