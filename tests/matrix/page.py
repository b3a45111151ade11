"""docs/matrix.md, made from what is pinned: the run has failed before where anything else was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from browser import LISTED, OTHER
from children import ADAPTERS, ANSWERED_BEFORE, CLIENTS, WITHOUT_SESSIONS
from documents import DOCUMENTS
from rows import ROWS

INTRODUCTION = """\
# The matrix

Every official client meets every row of the wire table at every adapter, over real sockets. Made by `make matrix`, do
not edit; [tests/matrix](../tests/matrix/README.md) says how it is done.

{cells} cells ran and passed, and {browser} more in a browser. A cell passes when every answer that crossed the wire was
the core's, byte for byte, for the same request, and when the client reported what is pinned for it. Left out of the
comparison are what HTTP servers add (`Date`, `Server`, `Connection`, `Keep-Alive`, `Content-Length`,
`Transfer-Encoding`, `X-Powered-By`) and the number in `Retry-After`, the seconds until that process fetches again,
which must be 1 to 60. Go and the Fetch API (with Hono) write the lines of a response sorted by their names, whatever
order they were set in: there the lines are compared and not their order.

## At each adapter

The number of clients that met the row: {clients}.
"""

DEFINITIONS = """\
¹ The application around the gate refuses the request itself, before the gate sees it. Where that matters, put the gate
outermost: a script of a listed origin cannot read such a refusal.\\
² No session is kept there: without an SDK (WSGI, `net/http`, C) a minimal responder answers. Elsewhere the SDK or the
adapter refuses the second user, with 404 or, in Go, 403.\\
"Our own fault" is provoked by a program that hands in scopes which are none.
"""


def text_of(expectations: Mapping[str, Any], cells: int, browser: int) -> str:
    """The whole text."""
    introduction = INTRODUCTION.format(
        cells=cells,
        browser=browser,
        clients=", ".join(title for title, _ in CLIENTS.values()),
    )
    parts = [introduction, _adapters(), DEFINITIONS, _clients(expectations), _browser()]
    return "\n".join(parts)


def _adapters() -> str:
    columns = [row.title for row in ROWS.values()]
    lines = []
    for adapter, (title, _) in ADAPTERS.items():
        before = ANSWERED_BEFORE.get(adapter, ())
        cells = []
        for row in ROWS.values():
            if row.refused_by_host and adapter in WITHOUT_SESSIONS:
                cells.append("²")
            else:
                cells.append(f"{len(CLIENTS)}¹" if row.title in before else f"{len(CLIENTS)}")
        by_host = sum(document in before for document in DOCUMENTS)
        documents = f"{len(DOCUMENTS) - by_host} + {by_host}¹" if by_host else f"{len(DOCUMENTS)}"
        lines.append([title, *cells, documents])
    return _table(["", *columns, "documents and preflights"], lines)


def _clients(expectations: Mapping[str, Any]) -> str:
    notes: list[str] = []
    lines = []
    for name, row in ROWS.items():
        cells = []
        for client in CLIENTS:
            entry = expectations[client][name]
            cell = _told(entry["report"])
            others: dict[str, list[str]] = {}
            for adapter, report in entry.get("adapters", {}).items():
                if (told := _told(report)) != cell:
                    others.setdefault(told, []).append(adapter)
            for told, adapters in others.items():
                note = f"At {', '.join(f'`{adapter}`' for adapter in adapters)}: {told}."
                if note not in notes:
                    notes.append(note)
                cell += f" [{notes.index(note) + 1}]"
            cells.append(cell)
        lines.append([row.title, *cells])
    numbered = "\n".join(f"[{number}] {note}\\" for number, note in enumerate(notes, 1)).rstrip("\\")
    table = _table(["", *(title for title, _ in CLIENTS.values())], lines)
    asked = "\n".join(
        f"- {title}: "
        + ", then ".join(f"`{scopes}`" if scopes else "no scope" for scopes in _asked(expectations, client))
        for client, (title, _) in CLIENTS.items()
    )
    return f"""\
## What each client makes of it

The statuses that the call was answered with, and the class of what the client raised; then whether the next call on the
same session still works. `tests/matrix/expectations.json` has the messages.

{table}
{numbered}

Which scopes the clients asked the authorization server for in the step-up, where every request needs `mcp` and the tool
`mcp:tools:weather`:

{asked}

With `client_credentials`, TypeScript 1.32 asks for the scopes that its program was given, never for a challenge's: it
comes back with the same token, and gives up. Give its provider the scopes.
"""


def _asked(expectations: Mapping[str, Any], client: str) -> Sequence[str]:
    asked: Sequence[str] = expectations[client]["step-up"]["report"]["asked"]
    return asked


def _told(report: Mapping[str, Any]) -> str:
    """One call in some words."""
    if "call" not in report:
        error = report["connect"].partition(":")[0]
        return f"{', '.join(map(str, report['calls']))}: `{error}` when it connects"
    is_over = report["again"] != "ok"
    statuses = report["calls"] if is_over else report["calls"][:-1]
    outcome = "answered" if report["call"] == "ok" else f"`{report['call'].partition(':')[0]}`"
    return f"{', '.join(map(str, statuses))}: {outcome}{'; **its session is over**' if is_over else ''}"


def _browser() -> str:
    lines = [[check, f"{len(ADAPTERS)} of {len(ADAPTERS)}"] for check in (*LISTED, *OTHER)]
    return f"""\
## In a browser

A script in headless Chromium asks every adapter, from an origin in `cors_origins` and from one that is not. Metadata is
open to all. What the application itself answers is the application's to open, with a CORS layer of its own outside the
gate.

{_table(["", "adapters"], lines)}"""


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
