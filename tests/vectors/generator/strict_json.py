"""JSON as the rules read it: duplicates seen, depth counted, nothing repaired."""

from __future__ import annotations

import json
import math
from typing import Any


class NotJson(Exception):
    """The text is no JSON text in UTF-8."""


class Object(dict[str, Any]):
    """A JSON object that remembers whether a member name came twice."""

    repeated: bool = False


def parse(text: bytes) -> Any:
    """The value of one JSON text. Blanks around it are part of JSON; anything else is not."""
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse, parse_int=_finite_integer, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
    _refuse_lone_surrogates(value)
    return value


def parse_prefix(text: bytes) -> Any:
    """The first value of a text that `parse` refuses, or None: what a careless reader would go on with."""
    decoded = text.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    try:
        value, _ = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer).raw_decode(decoded)
    except (ValueError, RecursionError):
        return None
    return value


def depth(value: Any) -> int:
    """Nested containers, the outermost included."""
    deepest, level = 0, [value]
    while True:
        level = [item for item in level if isinstance(item, (dict, list))]
        if not level:
            return deepest
        deepest += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]


def has_repeated_member(value: Any) -> bool:
    """Whether any object at any depth names a member twice, after unescaping."""
    if isinstance(value, Object):
        return value.repeated or any(has_repeated_member(child) for child in value.values())
    return isinstance(value, list) and any(has_repeated_member(child) for child in value)


def compact(value: Any) -> str:
    """The canonical text: no blanks, members in their order, only what must be escaped is escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(pairs: list[tuple[str, Any]]) -> Object:
    result = Object(pairs)
    result.repeated = len(result) != len(pairs)
    return result


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _integer(text: str) -> int | float:
    return -0.0 if text == "-0" else int(text)


def _finite_integer(text: str) -> int | float:
    _finite(text)
    return _integer(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number no double holds")
    return value


def _refuse_lone_surrogates(value: Any) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise NotJson("a lone surrogate") from error
    elif isinstance(value, dict):
        for name, child in value.items():
            _refuse_lone_surrogates(name)
            _refuse_lone_surrogates(child)
    elif isinstance(value, list):
        for child in value:
            _refuse_lone_surrogates(child)
