"""Presets beside `tenants`, and beside entries of their own for each tenant."""

from __future__ import annotations

from typing import Any

from ..keys import public_jwk
from ..suite import OK, Suite, config, request, server
from ..tokens import NOW, RESOURCE, jws, object_text
from .presets_microsoft import API, OF_VERSION_1, OF_VERSION_2, OTHER_TENANT, PREFIX, TENANT

SECOND_TENANT = "22222222-2222-3333-4444-555555555555"
TIMES = {"iat": NOW - 60, "exp": NOW + 3540}
ISSUER = "untrusted_issuer"


def add_to(suite: Suite) -> None:
    guids = [TENANT, SECOND_TENANT, OTHER_TENANT]
    _preset(suite, "entra", "https://login.microsoftonline.test/{tenant}/v2.0", guids, OF_VERSION_2, [f"{PREFIX}mcp.read"], API)
    _preset(suite, "entra_v1", "https://sts.windows.test/{tenant}/", guids, OF_VERSION_1, [f"{PREFIX}mcp.read"], f"api://{API}")
    realm = {"sub": "u-1", "aud": RESOURCE, "typ": "Bearer", "azp": "app", "scope": "mcp:read"}
    _preset(suite, "keycloak", "https://sso.test/realms/{tenant}", ["main", "staff", "guests"], realm, ["mcp:read"])


def _preset(
    suite: Suite, preset: str, template: str, tenants: list[str], access: dict[str, Any], scopes: list[str], *audiences: str
) -> None:
    """Of the tenants the last is not configured."""
    *listed, third = tenants
    members: dict[str, Any] = {"preset": preset}
    if audiences:
        members |= {"additional_audiences": list(audiences), "scope_prefix": PREFIX}

    def signed(tenant: str, key: str = "rsa-a", kid: str = "rsa-a") -> str:
        of_tenant = {"iss": template.replace("{tenant}", tenant)} | ({"tid": tenant} if "tid" in access else {})
        header = {"alg": "RS256", "kid": kid, "typ": "JWT"}
        return jws(object_text(header), object_text(TIMES | access | of_tenant), key, "RS256")

    def cases(*of_tokens: tuple[str, str, str, str | list[str]]) -> None:
        for id, comment, credential, faults in of_tokens:
            group.authorize(f"preset-{preset.replace('_', '-')}-{id}", comment, request(credential, method="GET"), faults)

    one_place = server("rsa-a", **members | {"issuer": template, "tenants": listed})
    group = suite.group(f"{preset}, two tenants with keys at one place.", config(one_place, required_scopes=scopes))
    cases(
        ("tenants-first", "A token of the first tenant.", signed(listed[0]), OK),
        ("tenants-second", "A token of the second tenant.", signed(listed[1]), OK),
        ("tenants-third", "A token of a tenant that is not listed.", signed(third), ISSUER),
        ("tenants-other-case", "A tenant is compared exactly.", signed(f"{listed[0]}A"), ISSUER),
        ("tenants-place", "The template is no issuer.", signed("{tenant}"), ISSUER),
        ("tenants-none", "No tenant.", signed(""), ISSUER),
    )
    first, second = [members | {"issuer": template.replace("{tenant}", tenant)} for tenant in listed]
    same_kid = server(public_jwk("rsa-b", kid="rsa-a"), "rsa-b", **second)
    group = suite.group(
        f"{preset}, two tenants with keys of their own.", config(server("rsa-a", **first), same_kid, required_scopes=scopes)
    )
    cases(
        ("own-keys-first", "The first tenant's token under its own key.", signed(listed[0]), OK),
        ("own-keys-second", "The second tenant's token under its own key.", signed(listed[1], "rsa-b"), OK),
        ("own-keys-mixed", "A key of the first for a token that names the second.", signed(listed[1]), "bad_signature"),
        ("own-keys-mixed-back", "A key of the second for a token that names the first.", signed(listed[0], "rsa-b"), "bad_signature"),
        ("own-keys-kid", "A kid of the second in a token that names the first.", signed(listed[0], "rsa-b", "rsa-b"), "unknown_key"),
        ("own-keys-third", "A key of the first for a tenant that is not configured.", signed(third), ISSUER),
    )
