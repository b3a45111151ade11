"""Servers whose configuration is another one's with changes, and issuer templates."""

from __future__ import annotations

from typing import Any

from ..rpc import tool_call
from ..suite import OK, Group, Suite, config, request, server
from ..tokens import ISSUER, NOW, RESOURCE, signed_by, token

OTHER = "https://mcp.test/other"
SHORT = "insufficient_scope"


def suite() -> Suite:
    result = Suite("derived")
    _another_resource(result)
    _policy(result)
    _scopes(result)
    _tokens(result)
    _servers(result)
    _reset(result)
    _tenants(result)
    return result


def _check(group: Group, id: str, comment: str, credential: str, faults: str | list[str], text: str = "", **stated: Any) -> None:
    group.authorize(f"derived-{id}", comment, request(credential, body=text), faults, **stated)


def _another_resource(suite: Suite) -> None:
    before = config(required_scopes=["r"], metadata={"resource_name": "Files"})
    group = suite.group("Another resource of the same authorization server.", before, derive={"resource": OTHER})
    _check(group, "resource-own", "A token for it.", token(aud=OTHER, scope="r"), OK, resource=OTHER)
    _check(group, "resource-base", "A token for the server that it was derived from.", token(scope="r"), "wrong_audience")
    _check(group, "resource-kept", "What was not changed is as it was.", token(aud=OTHER, scope="x"), SHORT)
    for id, comment, target, status in (
        ("resource-metadata", "Its metadata.", "/.well-known/oauth-protected-resource/other", 200),
        ("resource-metadata-base", "Not the metadata of the other one.", "/.well-known/oauth-protected-resource/mcp", None),
    ):
        group.well_known(f"derived-{id}", comment, request(method="GET", target=target), status)
    what = request(target="/other", body="")
    group.authorize("derived-resource-challenge", "The challenge names its metadata.", what, "missing_token")


def _policy(suite: Suite) -> None:
    before = config(policy={"default": [], "tools": {"weather": ["w"], "mail": []}})
    change = {"policy": {"default": "deny", "tools": {"weather": ["v"]}}}
    group = suite.group("A policy is replaced whole.", before, derive=change)
    _check(group, "policy-new", "The new rule.", token(scope="v"), OK, tool_call("weather"))
    _check(group, "policy-old", "The old rule is gone.", token(scope="w"), SHORT, tool_call("weather"))
    _check(group, "policy-entry", "An entry that is not in the new policy.", token(scope="w"), "policy_denied", tool_call("mail"))
    offered = [{"kind": "tool", "name": "mail", "scopes": ["m"]}]
    group = suite.group("Declared on a derived server.", before, offered, derive=change)
    group.reports(
        unmatched_rules=[{"kind": "tool", "name": "weather"}],
        default="deny",
        forgotten=["policy.tools.weather: matches no tool that is offered"],
    )
    _check(group, "policy-declared", "The declaration.", token(scope="m"), OK, tool_call("mail"))


def _scopes(suite: Suite) -> None:
    before = config(required_scopes=["r"], scope_implications={"admin": ["r"]})
    group = suite.group("`required_scopes` of nothing.", before, derive={"required_scopes": []})
    _check(group, "required-none", "Nothing is needed.", token(scope="x"), OK)
    change = {"scope_implications": {"admin": ["w"]}, "required_scopes": ["w"]}
    group = suite.group("Other implications.", before, derive=change)
    _check(group, "implied-new", "The new ones.", token(scope="admin"), OK, effective_scopes=["admin", "w"])
    _check(group, "implied-old", "Not the old ones.", token(scope="r"), SHORT)


def _tokens(suite: Suite) -> None:
    group = suite.group("Another leeway.", config(leeway_seconds=300), derive={"leeway_seconds": 0})
    _check(group, "leeway", "Expired a second ago.", token(exp=NOW - 1), "expired")
    before = config(additional_audiences=["https://a.test"])
    group = suite.group("Other audiences.", before, derive={"additional_audiences": ["https://b.test"]})
    _check(group, "audience-new", "The new one.", token(aud="https://b.test"), OK)
    _check(group, "audience-old", "The old one.", token(aud="https://a.test"), "wrong_audience")
    change: dict[str, Any] = {"authorization_servers": [server("ed-a", "ed-b", scope_claims=["scp"])]}
    group = suite.group("The scopes are in another claim.", config(server("ed-a", "ed-b")), derive=change)
    _check(group, "scope-claim", "Read anew.", token(scope="a", scp="b"), OK, scopes=["b"])
    change = {"authorization_servers": [server("ed-a", required_claims={"tid": "x"})]}
    group = suite.group("A claim is required.", config(server("ed-a")), derive=change)
    _check(group, "required-claim", "Without it.", token(), "missing_claim")


def _servers(suite: Suite) -> None:
    second = "https://second.test"
    before = config(server("ed-a"), server("ed-b", issuer=second))
    group = suite.group("An authorization server is gone.", before, derive={"authorization_servers": [server("ed-a")]})
    _check(group, "server-left", "The one that stays.", token(), OK)
    _check(group, "server-gone", "The one that is gone.", signed_by("ed-b", "EdDSA", iss=second), ["untrusted_issuer", "unknown_key"])
    change: dict[str, Any] = {"authorization_servers": [server("ed-b"), server("ed-a", issuer=second)]}
    group = suite.group("The keys of two servers are exchanged.", before, derive=change)
    _check(group, "server-exchanged", "By the new key.", signed_by("ed-b", "EdDSA"), OK)
    _check(group, "server-exchanged-old", "By the key that the other one has now.", token(), "unknown_key")
    change = {"authorization_servers": [server("ed-a", algorithms=["ES256", "EdDSA"])]}
    group = suite.group("Other algorithms.", config(server("ed-a")), derive=change)
    _check(group, "algorithms", "Still accepted.", token(), OK)
    change = {"distrusted_keys": [{"issuer": ISSUER, "kid": "ed-a"}]}
    group = suite.group("A key is distrusted.", config(server("ed-a", "ed-b")), derive=change)
    _check(group, "distrusted", "The key.", token(), "unknown_key")
    _check(group, "distrusted-other", "Another key.", signed_by("ed-b", "EdDSA"), OK)


def _reset(suite: Suite) -> None:
    before = config(required_scopes=["r"], policy={"default": "deny"}, allowed_origins=["https://a.test"])
    group = suite.group("Members that have their defaults again.", before, derive={"reset": ["policy", "allowed_origins"]})
    _check(group, "reset-policy", "No policy.", token(scope="r"), OK, tool_call("weather"))
    _check(group, "reset-kept", "What is not named stays.", token(scope="x"), SHORT)
    change = {"reset": ["all"], "resource": OTHER, "authorization_servers": [server("ed-a")]}
    group = suite.group("A whole configuration.", before, derive=change)
    _check(group, "reset-all", "Nothing else is left.", token(aud=OTHER, scope="x"), OK, tool_call("weather"))


def _tenants(suite: Suite) -> None:
    template = "https://login.test/{tenant}/v2.0"
    one, two = ("https://login.test/one/v2.0", "https://login.test/two/v2.0")
    tenants = server("ed-a", issuer=template, tenants=["one", "two"])
    group = suite.group("Tenants of an issuer template with keys at one place.", config(tenants))
    for id, comment, issuer, faults in (
        ("first", "The first.", one, OK),
        ("second", "The second.", two, OK),
        ("unlisted", "One that is not listed.", "https://login.test/three/v2.0", "untrusted_issuer"),
        ("template", "The template itself.", template, "untrusted_issuer"),
        ("longer", "A segment more.", "https://login.test/one/two/v2.0", "untrusted_issuer"),
        ("slash", "A slash more.", one + "/", "untrusted_issuer"),
        ("case", "Another case.", "https://login.test/One/v2.0", "untrusted_issuer"),
        ("empty", "No tenant.", "https://login.test//v2.0", "untrusted_issuer"),
    ):
        _check(group, f"tenant-{id}", comment, token(iss=issuer), faults)
    group = suite.group(
        "A tenant is gone.", config(tenants), derive={"authorization_servers": [server("ed-a", issuer=template, tenants=["two"])]}
    )
    _check(group, "tenant-gone", "The one that is gone.", token(iss=one), "untrusted_issuer")
    _check(group, "tenant-left", "The one that stays.", token(iss=two, aud=RESOURCE), OK)
