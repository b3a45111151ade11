"""The shared vectors, through ``authorize`` and through ``authorize_async``."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scopegate import (
    AccessToken,
    ConfigError,
    Explanation,
    HttpResponse,
    McpCall,
    PolicyReport,
    Rejected,
    ResourceServer,
)

REPOSITORY = Path(__file__).parents[2]
VECTORS = REPOSITORY / "tests" / "vectors"
SUITES = sorted(VECTORS.glob("*.json"))
TRANSCRIPTS = Path(os.environ.get("SCOPEGATE_TRANSCRIPTS", REPOSITORY / "target" / "transcripts"))
LINES = ("authorization", "origin", "protocol_version", "mcp_method", "mcp_name")

Case = dict[str, Any]
Authorize = Callable[[ResourceServer, Any, dict[str, Any]], Awaitable[AccessToken]]


async def blocking(gate: ResourceServer, authorization: Any, request: dict[str, Any]) -> AccessToken:
    return gate.authorize(authorization, **request)


async def asynchronous(gate: ResourceServer, authorization: Any, request: dict[str, Any]) -> AccessToken:
    return await gate.authorize_async(authorization, **request)


@pytest.mark.parametrize(("surface", "authorize"), [("python-sync", blocking), ("python-async", asynchronous)])
def test_every_vector_gives_the_expected_answer(surface: str, authorize: Authorize) -> None:
    transcript: list[str] = []
    wrong: list[str] = []
    for suite in SUITES:
        document = json.loads(suite.read_bytes())
        ran = 0
        for case, found, explanation in asyncio.run(answers(document, authorize)):
            ran += 1
            transcript.append(transcript_line(case["id"], found, explanation))
            if found != case["expect"]:
                wrong.append(f"{suite.stem}/{case['id']}: expected {case['expect']}, found {found}")
        assert ran == document["number_of_tests"] > 0
    TRANSCRIPTS.mkdir(parents=True, exist_ok=True)
    (TRANSCRIPTS / f"{surface}.jsonl").write_text("".join(transcript), encoding="utf-8", newline="\n")
    assert not wrong, f"{len(wrong)} of {len(transcript)}:\n" + "\n".join(wrong[:20])


def transcript_line(id: str, found: dict[str, Any], explanation: Explanation | None) -> str:
    """The answer in the form that is compared between languages."""
    answer = found.get("response") or found
    members = {name: answer.get(name) for name in ("reason", "code", "status", "headers", "body", "token")}
    if "allowed" in found:
        members["allowed"] = found["allowed"]
    if explanation is not None:
        members = dict.fromkeys(members)
        members |= {"explanation": explanation.to_json(), "text": str(explanation)}
    return json.dumps({"id": id, **members}, separators=(",", ":"), ensure_ascii=False) + "\n"


async def answers(
    document: dict[str, Any], authorize: Authorize
) -> list[tuple[Case, dict[str, Any], Explanation | None]]:
    """Each case of a suite with its answer; the cases of a group meet one server, in order."""
    found: list[tuple[Case, dict[str, Any], Explanation | None]] = []
    for group in document["groups"]:
        gate = gate_of(group)
        for case in group["cases"]:
            if case["operation"] == "explain":
                explanation = explained(gate, case)
                found.append((case, told(explanation), explanation))
                continue
            found.append((case, await answer(gate, case, authorize), None))
            # A token that was verified before has the answer of one that was not.
            assert await answer(gate, case, authorize) == found[-1][1], case["id"]
    return found


def explained(gate: ResourceServer, case: Case) -> Explanation:
    request = details(case["request"])
    return gate.explain(request.pop("authorization", None), **request, now=case["now"])


def told(explanation: Explanation) -> dict[str, Any]:
    """What came of each check, and what is said of the one that failed."""
    failed = next((check for check in explanation.checks if check.outcome == "failed"), None)
    return {
        "outcome": explanation.outcome,
        "reason": explanation.reason,
        "status": explanation.status,
        "checks": [f"{check.outcome} {check.check}" for check in explanation.checks],
        "expected": failed and failed.expected,
        "found": failed and failed.found,
        "hint": failed and failed.hint,
    }


def gate_of(group: dict[str, Any]) -> ResourceServer:
    gate = ResourceServer.from_json(json.dumps(group["config"]))
    if "derive" in group:
        gate = gate.derive(**group["derive"])
    if "declared" in group:
        gate, report = gate.declare(group["declared"])
        assert json.loads(json.dumps(report_members(report))) == group["report"], group["comment"]
    return gate


def report_members(report: PolicyReport) -> dict[str, Any]:
    members = report._asdict()
    return {name: part if name == "default" else [entry._asdict() for entry in part] for name, part in members.items()}


async def answer(gate: ResourceServer, case: Case, authorize: Authorize) -> dict[str, Any]:
    request = details(case["request"])
    if case["operation"] == "well_known":
        response = gate.well_known(
            request["method"],
            request["target"],
            request.get("origin"),
            access_control_request_method=field(case, "access_control_request_method"),
            access_control_request_headers=field(case, "access_control_request_headers"),
        )
        return {"response": response and response_members(response)}
    authorization = request.pop("authorization", None)
    try:
        token = await authorize(gate, authorization, {**request, "now": case["now"]})
        if case["operation"] == "allowed":
            return {"allowed": gate.allowed(token, case["kind"], case["name"])}
        if case["operation"] == "require":
            gate.require(token, **details(case["then"]))
    except Rejected as refusal:
        return {"reason": refusal.reason, "code": refusal.code, **response_members(refusal.response)}
    return {"token": token_members(token)}


def field(case: Case, name: str) -> bytes | None:
    value: str | None = case["request"].get(name)
    return None if value is None else value.encode("latin-1")


def details(request: dict[str, Any]) -> dict[str, Any]:
    """A vector's request as the keyword arguments of ``authorize``."""
    found: dict[str, Any] = {"method": request["method"], "target": request["target"]}
    for name in LINES:
        if name in request:
            found[name] = [value.encode("latin-1") for value in request[name]]
    if "scopes" in request:
        found["scopes"] = request["scopes"]
    if "body" in request:
        found["body"] = request["body"].encode()
    if "body_base64" in request:
        found["body"] = base64.b64decode(request["body_base64"])
    if "calls" in request:
        found["calls"] = [McpCall(call["method"], call.get("name"), call.get("id")) for call in request["calls"]]
    return found


def response_members(response: HttpResponse) -> dict[str, Any]:
    headers = [list(header) for header in response.headers]
    return {"status": response.status, "headers": headers, "body": response.body.decode()}


def token_members(token: AccessToken) -> dict[str, Any]:
    return {
        "issuer": token.issuer,
        "subject": token.subject,
        "client_id": token.client_id,
        "scopes": list(token.scopes),
        "effective_scopes": list(token.effective_scopes),
        "audience": list(token.audience),
        "resource": token.resource,
        "expires_at": token.expires_at,
        "issued_at": token.issued_at,
        "token_id": token.token_id,
        "principal": token.principal,
        "claims": token._claims_json,
    }


def configuration_cases() -> Iterator[Case]:
    for file in sorted((VECTORS / "configuration").glob("*.json")):
        document = json.loads(file.read_bytes())
        assert len(document["cases"]) == document["number_of_tests"] > 0
        yield from document["cases"]


@pytest.mark.parametrize("case", list(configuration_cases()), ids=lambda case: case["id"])
def test_every_configuration_has_the_expected_mistakes(case: Case) -> None:
    mistakes: list[tuple[str, str]] = []
    try:
        ResourceServer.from_json(case["config"])
    except ConfigError as error:
        mistakes = list(error.errors)
    assert mistakes == [(expected["path"], expected["message"]) for expected in case["errors"]]
