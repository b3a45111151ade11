"""The log line of a refusal."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scopegate import Rejected, ResourceServer, _scopegate
from scopegate._log import LINES_PER_SECOND, LineLimit, _limit
from scopegate.testing import Issuer


@pytest.fixture(autouse=True)
def fresh_limit() -> None:
    _limit.reset()


def refuse(gate: ResourceServer, authorization: str | None) -> None:
    with pytest.raises(Rejected):
        gate.authorize(authorization)


def test_refusal_writes_one_line_that_says_what_to_do(
    issuer: Issuer, gate: ResourceServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "scopegate")
    refuse(gate, issuer.authorization(expires_in=-3600))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("scopegate", logging.WARNING)
    line = record.getMessage()
    assert "401" in line and "expired (5005)" in line and "docs/reasons.md#expired" in line


def test_login_start_is_information(gate: ResourceServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "scopegate")
    refuse(gate, None)
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_what_an_operator_must_mend_is_an_error(
    issuer: Issuer, gate: ResourceServer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Rejected):
        gate.authorize(issuer.authorization(), scopes=["not a scope"])
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# T55 (tests/attacks.md)
def test_line_holds_no_byte_of_the_token_and_no_claim(
    issuer: Issuer, gate: ResourceServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = {"sub": "canary-subject", "client_id": "canary-client", "aud": "https://canary.test", "jti": "canary-id"}
    wrong_audience = issuer.authorization(scope="canary-scope", **canaries)
    tampered = wrong_audience[:-8] + "AAAAAAAA"
    untrusted = issuer.authorization(iss="https://canary-issuer.test", aud="canary-aud")
    header = wrong_audience.replace("Bearer ", "Bearer canary")
    for value in (wrong_audience, tampered, untrusted, header):
        refuse(gate, value)
    text = caplog.text
    assert len(caplog.records) == 4
    assert "canary" not in text
    for value in (wrong_audience, untrusted):
        for part in value.removeprefix("Bearer ").split("."):
            assert part[:12] not in text


def test_lines_of_one_reason_are_limited_and_the_rest_are_counted(
    issuer: Issuer, gate: ResourceServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "scopegate")
    for _ in range(50):
        refuse(gate, None)
    assert LINES_PER_SECOND <= len(caplog.records) <= 3 * LINES_PER_SECOND
    refuse(gate, issuer.authorization(expires_in=-3600))
    assert "expired" in caplog.records[-1].getMessage()


def test_limit_admits_again_in_the_next_second_and_tells_what_it_kept_back() -> None:
    now = 100.0
    limit = LineLimit(lambda: now)
    admitted = [limit.admit("expired") for _ in range(LINES_PER_SECOND + 3)]
    assert admitted == [0] * LINES_PER_SECOND + [None] * 3
    assert limit.admit("other") == 0
    now = 101.0
    assert [limit.admit("expired"), limit.admit("expired")] == [3, 0]


def test_configuration_warning_is_logged(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    ResourceServer(resource="https://mcp.test/mcp/", authorization_servers=[issuer.server()])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "resource" in caplog.text


def test_every_reason_has_the_section_that_the_line_names() -> None:
    sections = (Path(__file__).parents[2] / "docs" / "reasons.md").read_text(encoding="utf-8").splitlines()
    assert [name for name, _ in _scopegate.reasons() if f"## {name}" not in sections] == []
