"""The suites, one file of vectors each."""

from __future__ import annotations

from ..suite import Suite
from . import (
    algorithms,
    attacks_on_keys,
    attacks_on_tokens,
    claims,
    credentials,
    declared,
    derived,
    explained,
    keys,
    order,
    policy,
    presets,
    require_and_allowed,
    secrets,
    token_syntax,
    well_known,
    wire,
)


def all_suites() -> list[Suite]:
    algorithms_and_keys = Suite("algorithms_and_keys")
    algorithms.add_to(algorithms_and_keys)
    keys.add_to(algorithms_and_keys)
    return [
        credentials.suite(),
        token_syntax.suite(),
        algorithms_and_keys,
        claims.suite(),
        wire.suite(),
        order.suite(),
        policy.suite(),
        declared.suite(),
        derived.suite(),
        well_known.suite(),
        require_and_allowed.suite(),
        attacks_on_keys.suite(),
        attacks_on_tokens.suite(),
        secrets.suite(),
        presets.suite(),
        explained.suite(),
    ]
