"""An HTTP response that is ready to send."""

from __future__ import annotations

from typing import NamedTuple


class HttpResponse(NamedTuple):
    """An HTTP response: every byte of it was decided by the core, and is sent unchanged.

    ``Content-Length`` is among the headers only in the answer to HEAD, whose body is empty.
    """

    status: int
    """The status code."""
    headers: tuple[tuple[str, str], ...]
    """The header fields, in the order they are sent."""
    body: bytes
    """The body."""
