#!/usr/bin/env python3
"""Looks for what must not leave a surface in everything that left it.

Each language runs every vector and writes down what came out: the refusal, every log line, each object in every form of
text it has. This program fails where such a trace holds twelve characters in a row of any credential of any vector, or
the mark that the claims of the suite `secrets` carry: as they are, in base64, in hexadecimal, or as a list of numbers.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TRACES = REPOSITORY / "target" / "traces"
VECTORS = sorted((REPOSITORY / "tests" / "vectors").glob("*.json"))

MARK = "canary"
WINDOW = 12
OF_EVERY_VECTOR = ("rust", "c", "go", "python", "node")
PYTHON_ADAPTERS = ("python-asgi", "python-mcp", "python-fastmcp", "python-fastapi", "python-wsgi")
OF_ADAPTERS = (*PYTHON_ADAPTERS, "node-adapters", "go-handler", "go-mcp")
OF_PANICS = ("c-panics", "node-panics")


def main() -> int:
    cases, credentials, public = vectors()
    for form in (bytes.hex, encoded, numbers, str.encode):
        require_that_it_finds(form)
    leaks = []
    for name in (*OF_EVERY_VECTOR, *OF_ADAPTERS, *OF_PANICS):
        text = (TRACES / f"{name}.txt").read_text("utf-8", "surrogateescape")
        own = tokens_of(name)
        if name in OF_EVERY_VECTOR and (missing := cases - set(re.findall(r"^== (.*)$", text, re.M))):
            leaks.append(f"{name}: has no trace of {len(missing)} cases, such as {min(missing)}")
        found = sorted(set(leaked(text, windows(credentials | own) - public)))
        leaks += [f"{name}: {leak}" for leak in found[:10]]
        print(f"{name}: {len(text)} characters, {len(own)} tokens of its own, {len(found)} leaks")
    for leak in leaks:
        print(leak, file=sys.stderr)
    return 1 if leaks else 0


def vectors() -> tuple[set[str], set[str], set[str]]:
    """The ids of all cases, all credentials in them, and what base64 of their answers has in common with such tokens: a
    payload names the configured issuer, and so does the metadata document.
    """
    cases, credentials, answers = set(), set(), set()
    for file in VECTORS:
        for group in json.loads(file.read_bytes())["groups"]:
            for case in group["cases"]:
                cases.add(case["id"])
                credentials.update(case["request"].get("authorization", []))
                answers.add((case["expect"].get("response") or case["expect"]).get("body") or "")
    encoded = {
        base64.urlsafe_b64encode(b"x" * shift + body.encode()).decode() for body in answers for shift in range(3)
    }
    return cases, credentials, windows(encoded)


def tokens_of(name: str) -> set[str]:
    """Tokens that a run minted itself and wrote down beside its trace, a line for each."""
    file = TRACES / f"{name}.tokens"
    return set(file.read_text("utf-8").split("\n")) - {""} if file.exists() else set()


def windows(credentials: set[str]) -> set[str]:
    """Every run of that length in what follows the scheme, within one part; small letters alone are words."""
    parts = {part for value in credentials for part in re.findall(r"[A-Za-z0-9_-]+", value.partition(" ")[2] or value)}
    runs = {part[at : at + WINDOW] for part in parts for at in range(len(part) - WINDOW + 1)}
    return {run for run in runs if re.search("[A-Z0-9]", run)}


def leaked(text: str, secrets: set[str]) -> Iterator[str]:
    for view in views(text):
        for at in range(len(view) - WINDOW + 1):
            if view[at : at + WINDOW] in secrets:
                yield f"a token's {view[at : at + WINDOW]!r} in {view[max(0, at - 60) : at + 60]!r}"
        for match in re.finditer(MARK, view, re.I):
            yield f"a mark in {view[max(0, match.start() - 60) : match.end() + 60]!r}"


def views(text: str) -> Iterator[str]:
    """The text, and what its encoded parts stand for."""
    yield text
    for run in re.findall(r"(?:[0-9a-fA-F]{2}[ :]?){6,}", text):
        yield bytes.fromhex(re.sub("[ :]", "", run)).decode("latin-1")
    for run in set(re.findall(r"[A-Za-z0-9_+/-]{8,}", text)):
        for start in range(4):
            part = run[start:].replace("-", "+").replace("_", "/")
            yield base64.b64decode(part[: len(part) // 4 * 4]).decode("latin-1")
    for run in re.findall(r"(?:(?:\b\d{1,3}|0x[0-9a-fA-F]{1,2})\b[\s,]*){6,}", text):
        yield bytes(int(number, 0) & 255 for number in re.findall(r"0x[0-9a-fA-F]+|[1-9]\d*|0", run)).decode("latin-1")
    for run in re.findall(r'(?:"?\d+"?: ?\d{1,3}, ?){5,}"?\d+"?: ?\d{1,3}', text):
        yield bytes(int(number) & 255 for number in re.findall(r": ?(\d+)", run)).decode("latin-1")


def require_that_it_finds(form: object) -> None:
    """The search can fail: what is planted in each form is found."""
    for secret in ("a canary of a claim", "eyJhbGciOiJFZERTQSJ9"):
        planted = form(secret if form is str.encode else secret.encode())  # type: ignore[operator]
        text = planted if isinstance(planted, str) else planted.decode()
        if not any(leaked(f"before <{text}> behind", windows({"eyJhbGciOiJFZERTQSJ9"}))):
            raise SystemExit(f"the search does not find {secret!r} in {text!r}")


def encoded(secret: bytes) -> str:
    return base64.urlsafe_b64encode(b"x" + secret).decode()


def numbers(secret: bytes) -> str:
    return json.dumps(dict(enumerate(secret))) if secret[0] % 2 else str(list(secret))


if __name__ == "__main__":
    sys.exit(main())
