"""What a script in a browser may ask, and read: one page of an origin that is listed, one of an origin that is not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BROWSER = Path(__file__).parent.parent / "web" / "open.mjs"
"""Shows the page that it is given in the Chromium of the tests, until its input ends."""
SECONDS = 120
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "page", "version": "1"}},
}
SCRIPT = """
const ask = async (url, init, read) => {
  try { const response = await fetch(url, init); return { status: response.status, read: await read(response) }; }
  catch (error) { return { error: error.name }; }
};
(async () => {
  const results = {};
  for (const { adapter, url, metadata, token } of TARGETS) {
    const post = (credential, read) => ask(url, { method: "POST", body: JSON.stringify(INITIALIZE), headers: {
      Authorization: `Bearer ${credential}`, "Content-Type": "application/json",
      Accept: "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25" } }, read);
    results[adapter] = {
      refused: await post("none", (response) => response.headers.get("WWW-Authenticate")),
      metadata: await ask(metadata, {}, async (response) => (await response.json()).resource === url),
      accepted: await post(token, (response) => response.text()),
    };
  }
  await fetch("/results", { method: "POST", body: JSON.stringify(results) });
})();
"""


@dataclass
class Page:
    """A page of one origin. Its script asks every server, and posts what it could read."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    targets: Sequence[Mapping[str, str]] = ()
    results: asyncio.Future[dict[str, Any]] | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(":")[2])) if lengths else b""
            if head.startswith("POST /results ") and self.results is not None and not self.results.done():
                self.results.set_result(json.loads(body))
            data = f"const TARGETS = {json.dumps(self.targets)}, INITIALIZE = {json.dumps(INITIALIZE)};"
            page = f"<!DOCTYPE html><title>matrix</title><script>{data}{SCRIPT}</script>".encode()
            lines = ("HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(page)}", "Connection: close")
            writer.write("\r\n".join([*lines, "", ""]).encode() + page)
            await writer.drain()
        writer.close()


@dataclass
class Pages:
    """The page whose origin the servers list, and another."""

    listed: Page = field(default_factory=Page)
    other: Page = field(default_factory=Page)


@contextlib.asynccontextmanager
async def serving_pages() -> AsyncIterator[Pages]:
    pages = Pages()
    servers = [await asyncio.start_server(page.answer, sock=page.listener) for page in (pages.listed, pages.other)]
    try:
        yield pages
    finally:
        for server in servers:
            server.close()


@contextlib.asynccontextmanager
async def browser_at(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A browser that shows this page."""
    pipe = asyncio.subprocess.PIPE
    browser = await asyncio.create_subprocess_exec("node", BROWSER, url, stdin=pipe, stderr=pipe)
    try:
        yield browser
    finally:
        _, complaints = await browser.communicate(b"")
        if browser.returncode != 0:
            raise RuntimeError(f"the browser failed: {complaints.decode()}")


async def in_browser(page: Page, targets: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """What the script of the page reports of each server."""
    page.targets, page.results = targets, asyncio.get_running_loop().create_future()
    async with browser_at(f"{page.origin}/") as browser:
        ended = asyncio.create_task(browser.wait())
        either: list[asyncio.Future[Any]] = [page.results, ended]
        await asyncio.wait(either, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
    if not page.results.done():
        raise RuntimeError(f"the browser reported nothing in {SECONDS} seconds")
    return page.results.result()


Check = Callable[[Mapping[str, Any], str], bool]
"""What the script found, with the requests that came to the server, and the URL of the metadata."""

LISTED: Mapping[str, Check] = {
    "listed origin: the preflight passes": lambda found, _: found["requests"][:2] == ["OPTIONS 204", "POST 401"],
    "listed origin: a script reads the challenge": lambda found, metadata_url: (
        found["refused"].get("status") == 401 and f'resource_metadata="{metadata_url}"' in found["refused"]["read"]
    ),
    "listed origin: a script reads the metadata": lambda found, _: found["metadata"] == {"status": 200, "read": True},
    "listed origin: a request with a good token arrives": lambda found, _: "POST 200" in found["requests"],
    "listed origin: its answer is the application's, which has no CORS layer here: unread": lambda found, _: (
        found["accepted"] == {"error": "TypeError"}
    ),
}
OTHER: Mapping[str, Check] = {
    "other origin: no request follows the preflight": lambda found, _: (
        not [request for request in found["requests"] if request.startswith("POST")]
    ),
    "other origin: a script reads no refusal": lambda found, _: found["refused"] == {"error": "TypeError"},
    "other origin: a script reads the metadata": lambda found, _: found["metadata"] == {"status": 200, "read": True},
}
