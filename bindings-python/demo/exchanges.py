"""What went over the wire, recorded below the official client, and what is expected there."""

from __future__ import annotations

import httpx2


class Unexpected(Exception):
    """Something went otherwise than it should."""


class Exchanges:
    """The requests of an HTTP client with their responses, in the order of the responses."""

    def __init__(self) -> None:
        self._responses: list[httpx2.Response] = []

    async def record(self, response: httpx2.Response) -> None:
        """A hook for the responses of an ``httpx2.AsyncClient``. It sees those that an ``Auth`` handles, too."""
        await response.aread()
        self._responses.append(response)

    def take(self, *expected: str) -> list[httpx2.Response]:
        """The responses since the last call, which must be these, such as ``"POST /mcp tools/call 401"``.

        Raises ``Unexpected`` for any other sequence.
        """
        responses, self._responses = self._responses, []
        expect("the exchanges", [_summary(response) for response in responses], list(expected))
        return responses


def expect(what: str, found: object, expected: object) -> None:
    """Raises ``Unexpected`` unless both are equal."""
    if found != expected:
        raise Unexpected(f"{what}: expected {expected!r}, found {found!r}")


def expect_refusal(response: httpx2.Response, challenge: str | None) -> None:
    """Raises ``Unexpected`` unless the response has exactly this ``WWW-Authenticate``, and the other header fields that
    every refusal has.
    """
    names = ("Content-Type", "Cache-Control", "WWW-Authenticate")
    found = {name: response.headers.get_list(name) for name in names}
    challenges = [challenge] if challenge is not None else []
    expect("the header fields", found, dict(zip(names, (["application/json"], ["no-store"], challenges), strict=True)))


def _summary(response: httpx2.Response) -> str:
    request = response.request
    parts = (request.method, request.url.path, request.headers.get("Mcp-Method"), str(response.status_code))
    return " ".join(part for part in parts if part is not None)
