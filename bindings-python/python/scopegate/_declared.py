"""What a host offers, and how the policy fits it."""

from __future__ import annotations

import json
from typing import Literal, NamedTuple, TypeAlias, TypedDict

from scopegate._config import Entry
from scopegate._errors import ConfigMistake

OfferedKind: TypeAlias = Literal["tool", "prompt", "resource"]
"""The kinds of what a host offers."""


class _Named(TypedDict):
    kind: OfferedKind
    """Its kind: the name counts within it."""
    name: str
    """The name of a tool or prompt; the URI, or URI template, of a resource."""


class Offered(_Named, total=False):
    """A tool, prompt or resource that a host offers."""

    scopes: Entry | None
    """What it declares to need; nothing without it, or with ``None``. A resource that declares scopes must be a URI."""


class PolicyEntry(NamedTuple):
    """A tool, prompt or resource, or the policy's rule for some."""

    kind: OfferedKind
    """Its kind."""
    name: str
    """Its name or URI; of a rule the name or pattern, as configured."""


class PolicyReport(NamedTuple):
    """How the configured policy and what a host offers fit together."""

    unmatched_rules: tuple[PolicyEntry, ...]
    """Configured rules, exact ones and patterns, that match nothing of their kind that is offered: often a name that is
    spelled wrong. Rules for methods are not among them."""
    defaulted: tuple[PolicyEntry, ...]
    """What only ``default`` decides on: neither its name nor its method has a rule, and it declares nothing."""
    default: tuple[str, ...] | Literal["deny"]
    """What ``default`` needs beside ``required_scopes``, or ``"deny"``; no scopes where no policy is configured."""
    unreadable: tuple[PolicyEntry, ...]
    """Offered resources that a policy lets nobody use, since servers could take the URI for another one."""
    forgotten: tuple[ConfigMistake, ...]
    """A sentence on each entry of these, with the path of the rule in the configuration (``policy.tools.wether``) or of
    what is offered (``tools.weather``)."""

    @classmethod
    def _read(cls, text: str) -> PolicyReport:
        found = json.loads(text)
        default, forgotten = found.pop("default"), found.pop("forgotten")
        lists = {name: tuple(PolicyEntry(**entry) for entry in found[name]) for name in found}
        sentences = tuple(ConfigMistake(**sentence) for sentence in forgotten)
        return cls(default="deny" if default == "deny" else tuple(default), forgotten=sentences, **lists)
