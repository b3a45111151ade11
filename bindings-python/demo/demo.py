"""The demo: an authorization server, an MCP server behind Scopegate, and the official MCP client, all on loopback.

    SCOPEGATE_AUTHSERVER=target/release/scopegate-authserver python bindings-python/demo/demo.py

It prints what goes over the wire, step by step. Every exchange, challenge and reason is checked; at the first that is
not as expected it says which step that was, and exits with 1.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from authorization_server import secret
from child import ChildError
from exchanges import expect, expect_refusal
from mcp.client.auth import OAuthTokenError
from official_client import OfficialClient, authenticating, cause, presenting
from stage import EMAIL, WEATHER, Stage, staged
from tokens import header_and_claims, tampered
from transcript import Transcript

CONNECTING = (
    "POST /mcp server/discover 401",
    "GET /.well-known/oauth-protected-resource/mcp 200",
    "GET /.well-known/oauth-authorization-server/weather 200",
    "POST /weather/token 200",
    "POST /mcp server/discover 200",
)
"""What a client does that knows the URL of the MCP server, until its first request is answered."""


async def tell(stage: Stage, transcript: Transcript) -> None:
    """The whole story."""
    async with authenticating(stage.resource, stage.issuer, "assistant", secret("assistant")) as client:
        connecting(stage, client, transcript)
        await allowed_tool(client, transcript)
        await stepping_up(stage, client, transcript)
        await denied_scope(stage, transcript)
        await rotated_keys(stage, client, transcript)
        await tampered_token(stage, client, transcript)  # after the rotation: both draw on one budget of fetches
        await token_for_another_resource(stage, transcript)
        await known_key_in_an_outage(stage, client, transcript)
        await no_keys_in_an_outage(stage, client, transcript)


def connecting(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    challenged, resource, server, issued, accepted = client.exchanges.take(*CONNECTING)

    transcript.step("The official client connects without a token and is challenged")
    transcript.exchange(challenged)
    expect_refusal(challenged, f'Bearer scope="{WEATHER}", resource_metadata="{stage.metadata_url}"')
    logged(stage, "missing_token (2001)")

    transcript.step("It follows the challenge to both metadata documents")
    transcript.exchange(resource)
    transcript.document(resource.json())
    expect("resource", resource.json()["resource"], stage.resource)
    expect("authorization_servers", resource.json()["authorization_servers"], [stage.issuer])
    transcript.exchange(server)
    transcript.document(server.json())
    expect("issuer", server.json()["issuer"], stage.issuer)

    transcript.step("It gets a token with the scope of the challenge, and is let in")
    transcript.exchange(issued)
    header, claims = header_and_claims(client.token)
    transcript.document(claims)
    expect("typ", header["typ"], "at+jwt")
    expect("aud", claims["aud"], stage.resource)
    expect("scope", claims["scope"], WEATHER)
    transcript.exchange(accepted)


async def allowed_tool(client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("It is shown the tool that this scope allows, and calls it")
    tools = await client.tools()
    answer = await client.call("weather", city="Oslo")
    listed, called = client.exchanges.take("POST /mcp tools/list 200", "POST /mcp tools/call 200")
    transcript.exchange(listed)
    transcript.note("tools", ", ".join(tools))
    expect("tools", tools, ["weather"])
    transcript.exchange(called)
    transcript.note("answer", answer)
    expect("answer", answer, "Sunny in Oslo")


async def stepping_up(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("It calls a tool that needs another scope: refused, it steps up by itself")
    answer = await client.call("send_email", to="ada@example.com")
    refused, issued, called, _ = client.exchanges.take(
        "POST /mcp tools/call 403",
        "POST /weather/token 200",
        "POST /mcp tools/call 200",
        "POST /mcp tools/list 200",  # the SDK reads the output schema of a tool that it has not listed
    )
    transcript.exchange(refused)
    expect_refusal(refused, email_challenge(stage))
    logged(stage, "insufficient_scope (6001)")
    transcript.exchange(issued)
    _, claims = header_and_claims(client.token)
    transcript.note("scope of the token", claims["scope"])
    expect("scope", claims["scope"], f"{WEATHER} {EMAIL}")
    transcript.exchange(called)
    transcript.note("answer", answer)
    expect("answer", answer, "Sent to ada@example.com")


async def denied_scope(stage: Stage, transcript: Transcript) -> None:
    transcript.step("A client that the authorization server denies that scope: the refusal is final")
    try:
        async with authenticating(stage.resource, stage.issuer, "reader", secret("reader")) as reader:
            reader.exchanges.take(*CONNECTING)
            await reader.refused_call("send_email", to="ada@example.com")
    except Exception as error:
        if not isinstance(cause(error), OAuthTokenError):
            raise
    refused, not_issued = reader.exchanges.take("POST /mcp tools/call 403", "POST /weather/token 400")
    transcript.request_and_status(refused)  # its challenge is the same
    transcript.document(refused.json())
    expect_refusal(refused, email_challenge(stage))
    logged(stage, "missing_token (2001)")
    logged(stage, "insufficient_scope (6001)")
    transcript.exchange(not_issued)
    transcript.document(not_issued.json())
    expect("error", not_issued.json()["error"], "invalid_scope")


async def rotated_keys(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("The authorization server signs with a new key: the next token is accepted")
    stage.authorization_server.rotate("weather", overlap=True)
    async with authenticating(stage.resource, stage.issuer, "assistant", secret("assistant")) as newcomer:
        *_, issued, accepted = newcomer.exchanges.take(*CONNECTING)
        (old, _), (new, _) = header_and_claims(client.token), header_and_claims(newcomer.token)
    logged(stage, "missing_token (2001)")
    transcript.exchange(issued)
    transcript.note("kid", f"{new['kid'][:12]}..., and {old['kid'][:12]}... before")
    expect("a new kid", new["kid"] != old["kid"], True)
    transcript.exchange(accepted)


async def tampered_token(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("A token with a scope that was written into it")
    async with presenting(stage.resource, tampered(client.token, scope=f"{WEATHER} {EMAIL} admin")) as forger:
        await forger.refused_call("weather", city="Oslo")
    (refused,) = forger.exchanges.take("POST /mcp tools/call 401")
    transcript.exchange(refused)
    expect_refusal(refused, invalid_token_challenge(stage))
    transcript.note("log", logged(stage, "bad_signature (4003)"))


async def token_for_another_resource(stage: Stage, transcript: Transcript) -> None:
    transcript.step("A good token of a trusted issuer, for another resource: the same answer, another reason")
    token = stage.authorization_server.token("calendar", "assistant")
    async with presenting(stage.resource, token) as client:
        await client.refused_call("weather", city="Oslo")
    (refused,) = client.exchanges.take("POST /mcp tools/call 401")
    transcript.request_and_status(refused)
    expect_refusal(refused, invalid_token_challenge(stage))
    transcript.note("log", logged(stage, "wrong_audience (5004)"))


async def known_key_in_an_outage(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("The authorization server is stopped: a token of a known key is accepted as before")
    stage.authorization_server.stop()
    answer = await client.call("weather", city="Bergen")
    (called,) = client.exchanges.take("POST /mcp tools/call 200")
    transcript.exchange(called)
    transcript.note("answer", answer)
    expect("answer", answer, "Sunny in Bergen")


async def no_keys_in_an_outage(stage: Stage, client: OfficialClient, transcript: Transcript) -> None:
    transcript.step("A freshly started MCP server has no keys to judge it by: the client is to try again")
    stage.restart_mcp_server()
    await client.refused_call("weather", city="Bergen")
    (refused,) = client.exchanges.take("POST /mcp tools/call 503")
    transcript.exchange(refused)
    transcript.document(refused.json())
    expect_refusal(refused, None)
    expect("Retry-After of 1 to 60 seconds", int(refused.headers["Retry-After"]) in range(1, 61), True)
    transcript.note("log", logged(stage, "keys_unavailable (7001)"))


def email_challenge(stage: Stage) -> str:
    """For a token without the scope of ``send_email``: what the call needs, then what was granted already."""
    return (
        f'Bearer error="insufficient_scope", scope="{EMAIL} {WEATHER}", resource_metadata="{stage.metadata_url}"'
        f', error_description="Required scope: {EMAIL}"'
    )


def invalid_token_challenge(stage: Stage) -> str:
    """For a token that was judged and is bad, whatever the reason."""
    return (
        f'Bearer error="invalid_token", scope="{WEATHER}", resource_metadata="{stage.metadata_url}"'
        ', error_description="Bearer token is invalid or expired"'
    )


def logged(stage: Stage, reason: str) -> str:
    """The next refusal in the log of the MCP server, which must have this reason. No client is told it."""
    line = stage.next_refusal()
    expect("the reason in the log", line.split(": ")[1], reason)
    return line.partition(" [docs/")[0]


def main() -> int:
    authserver = os.environ.get("SCOPEGATE_AUTHSERVER")
    if authserver is None:
        print("SCOPEGATE_AUTHSERVER: expected the path of the program scopegate-authserver", file=sys.stderr)
        return 2
    begun = time.monotonic()
    transcript = Transcript()
    try:
        with staged(Path(authserver)) as stage:
            try:
                asyncio.run(tell(stage, transcript))
            except Exception as error:
                step = f"step {transcript.number} ({transcript.title})"
                print(f"\nNot as expected in {step}:\n{cause(error)!r}\n", file=sys.stderr)
                print("The log of the MCP server ends with:", *stage.log_end(), sep="\n", file=sys.stderr)
                return 1
    except ChildError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\nAll {transcript.number} steps went as expected, in {time.monotonic() - begun:.1f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
