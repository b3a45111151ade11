"""What 10,000 configurations write (T53): its form, and what the official Python client reads in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from httpx2 import URL, Response
from mcp.client.auth.utils import (
    extract_field_from_www_auth,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
)
from mcp.shared.auth import ProtectedResourceMetadata

FILE = Path(__file__).parents[2] / "target" / "written.jsonl"
CONFIGURATIONS = 10_000
CHALLENGES = 54_969

# The largest challenge that lists granted scopes, in bytes.
MAX_CHALLENGE = 4096

CORS = {
    "Access-Control-Allow-Origin": "https://app.test",
    "Vary": "Origin",
    "Access-Control-Expose-Headers": "WWW-Authenticate, Retry-After",
}


def configurations() -> Iterator[Any]:
    """Every line of the file, which ``make test-written`` writes."""
    count = 0
    with FILE.open(encoding="utf-8") as lines:
        for line in lines:
            count += 1
            yield json.loads(line)
    assert count == CONFIGURATIONS


def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice."""
    assert len(dict(members)) == len(members)
    return dict(members)


def test_responses_have_the_form_of_the_rules() -> None:
    for configuration in configurations():
        for refusal in configuration["refusals"]:
            expected, written = refusal["expected"], refusal["written"]
            where = (configuration["number"], refusal["case"])
            assert written["status"] == expected["status"], where
            assert [name for name, _ in written["headers"]] == expected["headers"], where
            for name, value in written["headers"]:
                assert re.fullmatch(r"[\x20-\x7e]+", value), where
                assert value == CORS.get(name, value), where
            headers = dict(written["headers"])
            assert headers["Content-Type"] == "application/json", where
            assert headers["Cache-Control"] == "no-store", where
            assert int(headers.get("Retry-After", "1")) >= 1, where
            assert json.loads(written["body"], object_pairs_hook=once) == expected["body"], where
            assert "\n" not in written["body"], where


def test_only_a_need_that_is_too_long_makes_a_challenge_too_long() -> None:
    longer = 0
    for configuration in configurations():
        for refusal in configuration["refusals"]:
            challenge = dict(refusal["written"]["headers"]).get("WWW-Authenticate", "")
            if len(challenge) > MAX_CHALLENGE and refusal["case"].startswith("short of scope"):
                body = refusal["expected"]["body"]
                need = body.get("scope") or body["error"]["data"]["scope"]
                assert " ".join(refusal["expected"]["challenge"]["scope"]) == need
                longer += 1
    assert longer == 78


def test_client_reads_each_challenge() -> None:
    count = 0
    for configuration in configurations():
        for refusal in configuration["refusals"]:
            challenge, written = refusal["expected"]["challenge"], refusal["written"]
            if challenge is None:
                continue
            count += 1
            response = Response(written["status"], headers=[(name, value) for name, value in written["headers"]])
            where = (configuration["number"], refusal["case"])
            assert extract_field_from_www_auth(response, "error") == challenge["error"], where
            assert extract_field_from_www_auth(response, "error_description") == challenge["error_description"], where
            assert extract_scope_from_www_auth(response) == (" ".join(challenge["scope"]) or None), where
            # The client looks for it in a 401 and a 403 alone.
            url = challenge["resource_metadata"] if written["status"] != 400 else None
            assert extract_resource_metadata_from_www_auth(response) == url, where
    assert count == CHALLENGES


def test_client_asks_for_the_metadata_where_it_is() -> None:
    for configuration in configurations():
        target = URL(configuration["metadata_url"]).raw_path.decode("ascii")
        assert target == configuration["metadata_target"], configuration["number"]


def test_metadata_is_what_went_in_and_the_client_reads_it() -> None:
    for configuration in configurations():
        number, document = configuration["number"], configuration["document"]
        body = document["written"]["body"]
        members = json.loads(body, object_pairs_hook=once)
        assert members == document["expected"], number
        assert list(members) == list(document["expected"]), number
        assert document["written"]["status"] == 200, number
        assert dict(document["written"]["headers"])["Content-Type"] == "application/json", number
        assert_is_protected_resource_metadata(members)
        read = ProtectedResourceMetadata.model_validate_json(body)
        assert read.scopes_supported == members.get("scopes_supported"), number
        assert read.resource_name == members.get("resource_name"), number


def assert_is_protected_resource_metadata(members: dict[str, Any]) -> None:
    """RFC 9728 section 2, and RFC 8414 section 2 for the issuers."""
    resource = urlsplit(members["resource"])
    assert resource.scheme in ("http", "https") and resource.netloc and not resource.fragment
    assert members["authorization_servers"]
    assert all(urlsplit(issuer).scheme == "https" for issuer in members["authorization_servers"])
    assert members["bearer_methods_supported"] == ["header"]
    for scope in members.get("scopes_supported", []):
        assert re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", scope) and scope != "offline_access"
    # Section 3.2: members with zero values are left out.
    assert not any(value is None or value in ("", [], {}) for value in members.values())
    # Section 2.1: a member in one language stands beside one in none.
    assert all(name.partition("#")[0] in members for name in members)
    for name in ("jwks_uri", "resource_documentation", "resource_policy_uri", "resource_tos_uri"):
        assert name not in members or urlsplit(members[name]).scheme == "https"
