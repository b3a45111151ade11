"""Servers made from others, and the configuration from the environment."""

from __future__ import annotations

import pytest
from conftest import RESOURCE

from scopegate import ConfigError, Offered, PolicyEntry, Rejected, ResourceServer
from scopegate.testing import Issuer

OTHER = "https://mcp.test/other"


def test_a_derived_server_has_the_changes_and_the_first_goes_on() -> None:
    issuer = Issuer(RESOURCE)
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()], policy={"default": "deny"})
    other = gate.derive(resource=OTHER, required_scopes=["a"], reset=["policy"])
    assert other.authorize(issuer.authorization(aud=OTHER, scope="a")).resource == OTHER
    with pytest.raises(Rejected) as caught:
        gate.authorize(issuer.authorization(aud=OTHER), body=b"")
    assert caught.value.reason == "wrong_audience"
    assert gate.resource == RESOURCE


def test_none_is_a_mistake_and_takes_no_policy_away() -> None:
    gate = ResourceServer(resource=RESOURCE, authorization_servers=["https://as.test"], policy={"default": "deny"})
    with pytest.raises(ConfigError) as caught:
        gate.derive(policy=None, resource="x")  # type: ignore[arg-type]
    assert [mistake.path for mistake in caught.value.errors] == ["policy", "resource"]


def test_mistakes_of_a_declaration_have_paths() -> None:
    gate = ResourceServer(resource=RESOURCE, authorization_servers=["https://as.test"], policy={"default": "deny"})
    with pytest.raises(ConfigError) as caught:
        gate.declare([{"kind": "tool", "name": "weather", "scopes": ["a b"]}])
    assert [mistake.path for mistake in caught.value.errors] == ["tools.weather[0]"]
    offered: list[Offered] = [{"kind": "tool", "name": "echo", "scopes": None}]
    declared, report = gate.declare(iter(offered))
    assert isinstance(declared, ResourceServer)
    assert report.defaulted == (PolicyEntry("tool", "echo"),)
    assert report.default == "deny"


def test_the_environment_is_that_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOPEGATE_RESOURCE", RESOURCE)
    monkeypatch.setenv("SCOPEGATE_AUTHORIZATION_SERVERS", "https://a.test,https://b.test")
    assert ResourceServer.from_env().resource == RESOURCE
    assert ResourceServer.from_env(resource=OTHER).resource == OTHER
    monkeypatch.setenv("SCOPEGATE_RESOURCE", "ftp://x")
    with pytest.raises(ConfigError) as caught:
        ResourceServer.from_env()
    assert [mistake.path for mistake in caught.value.errors] == ["SCOPEGATE_RESOURCE"]
    monkeypatch.setenv("SCOPEGATE_RESOURCE", "\udcff")
    with pytest.raises(ConfigError, match="SCOPEGATE_RESOURCE: expected UTF-8"):
        ResourceServer.from_env()
