"""Presets: tokens in the shape that each issuer's documentation gives them, and those that are taken for them."""

from __future__ import annotations

from typing import Any

from ..suite import OK, Group, Suite, config, key_set, request, server
from ..tokens import NOW, RESOURCE, jws, object_text, with_signature
from . import presets_hosted, presets_microsoft, presets_self_hosted, presets_tenants

KID = "rsa-a"
TIMES = {"iat": NOW - 60, "exp": NOW + 3540}


def suite() -> Suite:
    suite = Suite("presets")
    for issuers in (presets_hosted, presets_microsoft, presets_self_hosted):
        issuers.add_to(suite, _Issuer)
    presets_tenants.add_to(suite)
    _overriding(suite)
    return suite


class _Issuer:
    """One preset, its configuration and its tokens, signed with RS256 unless they say otherwise."""

    def __init__(self, suite: Suite, preset: str, comment: str, header: dict[str, Any], claims: dict[str, Any], **members: Any) -> None:
        self.id = preset.replace("_", "-")
        self.claims = TIMES | claims
        self.header = {"alg": "RS256", "kid": KID} | header
        self.members = {"preset": preset} | members
        self.suite = suite
        self.group = self._group(comment, self.members, "mcp:read")

    def scoped(self, comment: str, scope: str, *further: dict[str, Any], id: str = "", **members: Any) -> Group:
        """Further cases run against a group of this configuration, with members changed."""
        self.id += f"-{id}" if id else ""
        self.members |= members
        self.group = self._group(comment, self.members, scope, *further)
        return self.group

    def case(self, id: str, comment: str, changes: dict[str, Any], faults: str | list[str] = OK, **stated: Any) -> None:
        """The good access token with claims changed."""
        self.token(id, comment, self.signed(self.claims | changes), faults, **stated)

    def other(self, id: str, comment: str, claims: dict[str, Any], faults: str | list[str], header: dict[str, Any] | None = None) -> None:
        """A token of other claims altogether."""
        self.token(id, comment, self.signed({"iss": self.claims["iss"]} | claims, header), faults)

    def hmac(self, id: str, comment: str, algorithm: str, changes: dict[str, Any], faults: str | list[str]) -> None:
        """The good token with an HMAC in place of its signature; its bytes do not matter."""
        header = object_text(self.header | {"alg": algorithm, "kid": "hmac"})
        self.token(id, comment, with_signature(header, object_text(self.claims | changes), b"\x5a" * 32), faults)

    def signed(self, claims: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        return jws(object_text(self.header | (header or {})), object_text(TIMES | claims), KID, "RS256")

    def token(self, id: str, comment: str, credential: str, faults: str | list[str], **stated: Any) -> None:
        self.group.authorize(f"preset-{self.id}-{id}", comment, request(credential, method="GET"), faults, **stated)

    def advertises(self, *identifiers: str) -> None:
        """What clients are told of the authorization server."""
        what = request(method="GET", target="/.well-known/oauth-protected-resource/mcp")
        servers = ",".join(f'"{identifier}"' for identifier in identifiers)
        scopes = '"bearer_methods_supported":["header"]'
        body = f'{{"resource":"{RESOURCE}","authorization_servers":[{servers}],{scopes}}}'
        self.group.well_known(f"preset-{self.id}-advertised", "What the metadata advertises.", what, 200, body=body)

    def _group(self, comment: str, members: dict[str, Any], scope: str, *further: dict[str, Any]) -> Group:
        servers = [server(KID, **{"issuer": self.claims["iss"]} | members), *(server(KID, **entry) for entry in further)]
        return self.suite.group(comment, config(*servers, required_scopes=[scope]))


def _overriding(suite: Suite) -> None:
    """A member beside `preset` replaces the preset's, and no other."""
    issuer = "https://env.scalekit.test/resources/res_1"
    access = {"iss": "https://env.scalekit.test", "sub": "usr_1", "aud": ["res_1"], "client_id": "app", "scopes": ["mcp:read"]}
    for id, comment, members, changes, faults in (
        ("nothing", "The preset alone.", {}, {}, OK),
        ("issuer", "A list of issuers stays as it is.", {"issuer": [issuer]}, {}, "untrusted_issuer"),
        ("audiences", "No further audience.", {"additional_audiences": []}, {}, "wrong_audience"),
        ("audiences-resource", "The resource is one whatever is given.", {"additional_audiences": []}, {"aud": RESOURCE}, OK),
        ("algorithms", "Other algorithms.", {"algorithms": ["ES256"], "jwks": key_set(KID, "ec-a")}, {}, "algorithm_not_allowed"),
        ("token-format", "The stricter format.", {"token_format": "rfc9068"}, {}, ["type_not_allowed", "missing_claim"]),
        ("scope-claims", "Another scope claim.", {"scope_claims": ["scp"]}, {}, "insufficient_scope"),
        ("client-id-claims", "Another client id claim.", {"client_id_claims": ["azp"]}, {"azp": "other"}, OK),
        ("required-claims", "A required claim.", {"required_claims": {"oid": "org_1"}}, {}, "missing_claim"),
    ):
        entry = {"issuer": issuer} | members
        of = _Issuer(suite, "scalekit", f"`preset` with a member beside it: {comment}", {}, access, **entry)
        of.id = "overriding"
        if id == "client-id-claims":
            of.case(id, comment, changes, faults, client_id="other")
        else:
            of.case(id, comment, changes, faults)
    of = _Issuer(
        suite,
        "keycloak",
        "`required_claims` that are empty take those of the preset away.",
        {},
        {"iss": "https://sso.test/realms/main", "sub": "u-1", "aud": RESOURCE, "azp": "app", "scope": "mcp:read"},
        required_claims={},
    )
    of.id = "overriding"
    of.case("required-claims-none", "No `typ`.", {})
