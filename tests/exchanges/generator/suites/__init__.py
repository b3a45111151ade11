"""All suites, in the order of the README."""

from __future__ import annotations

from ..suite import Suite
from . import (
    batches_and_ids,
    controls,
    encodings,
    framing,
    members,
    methods,
    mounted,
    names,
    operators,
    paths,
    preflights,
    prompts_and_resources,
    relayed,
    routing_headers,
    sessions,
    sizes,
    verified_headers,
)


def all_suites() -> list[Suite]:
    modules = (
        controls,
        routing_headers,
        verified_headers,
        members,
        batches_and_ids,
        names,
        prompts_and_resources,
        encodings,
        sizes,
        methods,
        preflights,
        framing,
        paths,
        mounted,
        sessions,
        operators,
        relayed,
    )
    return [module.suite() for module in modules]
