"""The transcript: steps, and under each what was sent and answered, for a terminal of 100 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping

import httpx2

COLUMNS = 100
STATUS_COLUMN = 60
SHOWN_HEADERS = ("WWW-Authenticate", "Retry-After")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


class Transcript:
    """Prints to standard output. Credentials are not shown."""

    def __init__(self) -> None:
        self.number = 0
        """The number of the present step."""
        self.title = ""
        """Its title."""

    def step(self, title: str) -> None:
        """Begins a step."""
        self.number += 1
        self.title = title
        print(f"{self.number}. {title}" if self.number == 1 else f"\n{self.number}. {title}")

    def exchange(self, response: httpx2.Response) -> None:
        """What was asked for, and the status line and those header fields of the answer that clients act on."""
        self.request_and_status(response)
        for name in SHOWN_HEADERS:
            if name in response.headers:
                _print_wrapped(_parameters_kept_whole(f"{name}: {response.headers[name]}"))

    def request_and_status(self, response: httpx2.Response) -> None:
        """What was asked for, and the status line of the answer."""
        request = response.request
        called = [request.headers[name] for name in ("Mcp-Method", "Mcp-Name") if name in request.headers]
        asked = " ".join([f"   {request.method} {request.url.path}", *called])
        print(f"{asked:{STATUS_COLUMN}}{response.http_version} {response.status_code} {response.reason_phrase}")

    def document(self, members: Mapping[str, object]) -> None:
        """A JSON object."""
        _print_wrapped(json.dumps(members, separators=(", ", f":{NO_BREAK_SPACE}")))

    def note(self, name: str, text: str) -> None:
        """What is not on the wire."""
        _print_wrapped(f"{name}: {text}")


def _parameters_kept_whole(header: str) -> str:
    """The header line, to be broken between its parameters only."""
    return header.replace(" ", NO_BREAK_SPACE).replace(f",{NO_BREAK_SPACE}", ", ")


def _print_wrapped(text: str) -> None:
    lines = textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=" " * 5,
        subsequent_indent=" " * 7,
        break_long_words=False,
        break_on_hyphens=False,
    )
    print("\n".join(lines).replace(NO_BREAK_SPACE, " "))
