"""The official Python client, told what to do by lines of JSON; tests/matrix/children.py says which."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from official_client import TokenMemory


async def run(task: dict[str, Any]) -> dict[str, Any]:
    report: dict[str, Any] = {"asked": []}

    async def step(name: str, action: Callable[[], Awaitable[Any]]) -> None:
        try:
            await asyncio.wait_for(action(), task["seconds"])
            report[name] = "ok"
        except Exception as error:
            report[name] = told(error)

    async def steps() -> None:
        async with connected(task, report["asked"]) as client:
            report["connect"] = "ok"
            await step("list", client.list_tools)
            await step("call", lambda: client.call_tool(task["tool"], task["arguments"]))
            await step("again", lambda: client.call_tool("greet", {}))

    try:
        await asyncio.wait_for(steps(), 4 * task["seconds"])
    except Exception as error:
        report["close" if "connect" in report else "connect"] = told(error)
    return report


@asynccontextmanager
async def connected(task: dict[str, Any], asked: list[str]) -> AsyncIterator[Client]:
    async def note(request: httpx2.Request) -> None:
        if request.url.path.endswith("/token"):
            asked.append(parse_qs(request.content.decode()).get("scope", [""])[0])

    auth = None
    if oauth := task.get("oauth"):
        auth = ClientCredentialsOAuthProvider(
            task["url"], TokenMemory(), oauth["client"], oauth["secret"], issuer=oauth["issuer"]
        )
    mode: Any = "legacy" if task["era"] == "legacy" else "auto"
    async with (
        httpx2.AsyncClient(
            headers=task["headers"], auth=auth, event_hooks={"request": [note]}, trust_env=False
        ) as http,
        Client(streamable_http_client(task["url"], http_client=http), mode=mode) as client,
    ):
        yield client


def told(error: BaseException) -> str:
    """The innermost error: the SDK wraps those of a connection in groups."""
    while members := getattr(error, "exceptions", None):
        error = members[0]
    return f"{type(error).__name__}: {error}"


async def main() -> None:
    logging.disable()
    loop = asyncio.get_running_loop()
    tasks = set()

    async def answer(task: dict[str, Any]) -> None:
        print(json.dumps({"id": task["id"], "report": await run(task)}), flush=True)

    while line := await loop.run_in_executor(None, sys.stdin.readline):
        running = asyncio.create_task(answer(json.loads(line)))
        tasks.add(running)
        running.add_done_callback(tasks.discard)


if __name__ == "__main__":
    asyncio.run(main())
