"""What a call needs, and what a token grants (rules section 6)."""

from __future__ import annotations

from typing import Any

from .call import Call
from .configuration import Configuration

_PLUMBING = ("initialize", "server/discover", "ping", "logging/setLevel")


def policy_need(policy: dict[str, Any], call: Call) -> list[str] | None:
    """The scopes that the policy asks for; None when it refuses whatever the scope."""
    if call.method is None:
        return []
    entries = [_lookup(policy.get("methods", {}), call.method)]
    if call.method == "tools/call" and call.name is not None:
        entries.append(_lookup(policy.get("tools", {}), call.name))
    entries = [entry for entry in entries if entry is not None]
    if not entries:
        plumbing = call.method in _PLUMBING or call.method.startswith("notifications/")
        entries = [[] if plumbing else policy["default"]]
    if "deny" in entries:
        return None
    return [scope for entry in entries for scope in entry]


def policy_scopes(policy: dict[str, Any] | None) -> list[str]:
    """Every scope that the policy names, sorted by bytes."""
    if policy is None:
        return []
    entries = [policy["default"], *policy.get("methods", {}).values(), *policy.get("tools", {}).values()]
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
