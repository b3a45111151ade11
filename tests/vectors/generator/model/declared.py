"""What a host offers and declares beside the policy, and how they fit together."""

from __future__ import annotations

from typing import Any

from .resource_uri import resource_key

_MAPS = {"tool": "tools", "prompt": "prompts", "resource": "resources"}
_METHODS = {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}


def with_declared(policy: dict[str, Any] | None, offered: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The policy with the declared entries by kind and key; without a policy, one is there once something is needed."""
    declared: dict[str, dict[str, Any]] = {name: {} for name in _MAPS.values()}
    for thing in offered:
        if (scopes := thing.get("scopes")) is not None:
            entries, key = declared[_MAPS[thing["kind"]]], _key(thing)
            entries[key] = scopes if key not in entries else _joined(entries[key], scopes)
    if policy is None and not any(entry for entries in declared.values() for entry in entries.values()):
        return None
    return (policy or {"default": []}) | {"declared": declared}


def report(policy: dict[str, Any] | None, offered: list[dict[str, Any]]) -> dict[str, Any]:
    """Rules that match nothing, and what no rule names."""
    configured = policy or {"default": []}
    declared = (with_declared(configured, offered) or {})["declared"]
    things = sorted({(_order(kind := thing["kind"]), thing["name"].encode(), kind, thing["name"]) for thing in offered})
    named = [(kind, name, _key({"kind": kind, "name": name})) for _, _, kind, name in things]
    found: dict[str, Any] = {
        "unmatched_rules": [
            {"kind": kind, "name": rule}
            for kind in _MAPS
            for rule in sorted(configured.get(_MAPS[kind], {}), key=str.encode)
            if not any(kind == other and key is not None and _matches(rule, key) for other, _, key in named)
        ],
        "defaulted": [
            {"kind": kind, "name": name}
            for kind, name, key in named
            if key is not None
            and not any(_matches(rule, _METHODS[kind]) for rule in configured.get("methods", {}))
            and not any(_matches(rule, key) for rule in configured.get(_MAPS[kind], {}))
            and key not in declared[_MAPS[kind]]
        ],
        "default": configured["default"],
        "unreadable": [{"kind": kind, "name": name} for kind, name, key in named if key is None],
    }
    return found | {"forgotten": _forgotten(found)}


def _forgotten(found: dict[str, Any]) -> list[dict[str, str]]:
    """A sentence on each entry."""
    default = found["default"]
    by_default = "nobody may use it" if default == "deny" else f"it needs {' '.join(default)}" if default else "it needs no scope"
    sentences = {
        "unmatched_rules": ("policy.", "matches no {kind} that is offered"),
        "defaulted": ("", f"has no rule, so by default {by_default}"),
        "unreadable": ("", "nobody may use it: servers can take this URI for another"),
    }
    return [
        {"path": f"{above}{_MAPS[entry['kind']]}.{entry['name']}", "message": sentence.format(kind=entry["kind"])}
        for name, (above, sentence) in sentences.items()
        for entry in found[name]
    ]


def _key(thing: dict[str, Any]) -> Any:
    return resource_key(thing["name"], True) if thing["kind"] == "resource" else thing["name"]


def _joined(entry: Any, other: Any) -> Any:
    return "deny" if "deny" in (entry, other) else list(dict.fromkeys(entry + other))


def _order(kind: str) -> int:
    return list(_MAPS).index(kind)


def _matches(rule: str, key: str) -> bool:
    return key.startswith(rule[:-1]) if rule.endswith("*") else key == rule
