"""What a call needs, and what a token grants (rules section 6)."""

from __future__ import annotations

from typing import Any

from .call import Call
from .configuration import Configuration
from .resource_uri import resource_key

_USED_BY = {"tools": "tools/call", "prompts": "prompts/get", "resources": "resources/read"}
_PLUMBING = ("initialize", "server/discover", "ping", "logging/setLevel")


def policy_need(policy: dict[str, Any], call: Call) -> list[str] | None:
    """The scopes that the policy asks for; None when it refuses whatever the scope."""
    entries = [entry for one in call.each() if one.method is not None for entry in _entries(policy, one.method, one.names)]
    if "deny" in entries:
        return None
    return [scope for entry in entries for scope in entry]


def name_is_allowed(policy: dict[str, Any] | None, kind: str, name: str, effective: list[str], config: Configuration) -> bool:
    """`allowed`: what using a thing of this kind needs. Lists hold templates of resources too."""
    need: list[str] = []
    if policy is not None:
        entries = _entries(policy, _USED_BY[kind], ((kind, name),), lists_templates=True)
        if "deny" in entries:
            return False
        need = [scope for entry in entries for scope in entry]
    return covers(effective, config.required_scopes + need, config)


def _entries(policy: dict[str, Any], method: str, names: tuple[tuple[str, str], ...], lists_templates: bool = False) -> list[Any]:
    of_method = _lookup(policy.get("methods", {}), method)
    plumbing = method in _PLUMBING or method.startswith("notifications/")
    otherwise = [] if of_method is not None or plumbing else [policy["default"]]
    entries = [] if of_method is None else [of_method]
    if not names:
        return entries + otherwise
    for kind, name in names:
        key: str | None = name
        if kind == "resources":
            key = resource_key(name, lists_templates or method == "completion/complete")
        of_name = ["deny"] if key is None else _entries_of_name(policy, kind, key)
        entries += of_name or otherwise
    return entries


def _entries_of_name(policy: dict[str, Any], kind: str, key: str) -> list[Any]:
    configured, declared = _lookup(policy.get(kind, {}), key), policy.get("declared", {}).get(kind, {}).get(key)
    return [entry for entry in (configured, declared) if entry is not None]


def policy_scopes(policy: dict[str, Any] | None) -> list[str]:
    """Every scope that the policy names, sorted by bytes."""
    if policy is None:
        return []
    maps = [policy.get(name, {}) for name in ("methods", "tools", "prompts", "resources")]
    maps += policy.get("declared", {}).values()
    entries = [policy["default"], *(entry for entries in maps for entry in entries.values())]
    return sorted({scope for entry in entries if entry != "deny" for scope in entry})


def effective_scopes(granted: list[str], config: Configuration) -> list[str]:
    """The granted scopes, then what they imply, through any number of steps."""
    implied: set[str] = set()
    waiting = list(granted)
    while waiting:
        for scope in config.scope_implications.get(waiting.pop(), []):
            if scope not in implied:
                implied.add(scope)
                waiting.append(scope)
    return granted + sorted(implied - set(granted))


def covers(effective: list[str], need: list[str], config: Configuration) -> bool:
    return all(any(_covers_one(scope, wanted, config) for scope in effective) for wanted in need)


def _covers_one(granted: str, wanted: str, config: Configuration) -> bool:
    if granted == wanted:
        return True
    prefix = granted[:-1]
    return config.scope_wildcards and granted.endswith(":*") and wanted.startswith(prefix) and wanted != prefix


def _lookup(entries: dict[str, Any], key: str) -> Any:
    if key in entries:
        return entries[key]
    patterns = [name for name in entries if name.endswith("*") and key.startswith(name[:-1])]
    return entries[max(patterns, key=len)] if patterns else None
