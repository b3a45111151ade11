"""The user that the official SDK finds on a request: what its own gate would have made, made when it is looked at."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from conftest import RESOURCE
from hosts import WEATHER
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context

from scopegate import ResourceServer
from scopegate._sdk_user import SdkUser
from scopegate.asgi import Receive, Scope, ScopegateMiddleware, Send
from scopegate.testing import Issuer


async def user_of(issuer: Issuer, expose_token: bool = False, **claims: Any) -> AuthenticatedUser:
    found: list[AuthenticatedUser] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope["user"])

    async def never(*_: object) -> Any:
        raise AssertionError("nothing is received or sent")

    gate = ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()])
    line = issuer.authorization(scope=WEATHER, sub="alice", **claims).encode()
    headers = [(b"authorization", line)]
    scope = {"type": "http", "method": "GET", "path": "/mcp", "root_path": "", "headers": headers}
    await ScopegateMiddleware(SdkUser(application, expose_token), gate)(scope, never, never)
    return found[0]


async def test_user_is_what_the_sdks_own_gate_would_have_made(issuer: Issuer) -> None:
    user = await user_of(issuer)
    assert isinstance(user, AuthenticatedUser)
    made = AuthenticatedUser(user.access_token)
    assert vars(made).items() <= vars(user).items()
    assert (user.scopes, user.display_name, user.is_authenticated) == ([WEATHER], made.display_name, True)
    assert authorization_context(user)["subject"] == "alice"


async def test_attribute_that_no_user_has_is_missing_before_and_after(issuer: Issuer) -> None:
    user = await user_of(issuer)
    for _ in range(2):
        with pytest.raises(AttributeError, match="no attribute 'email'"):
            user.email  # type: ignore[attr-defined] # noqa: B018
    assert copy.copy(user).access_token == user.access_token


async def test_threads_that_look_at_the_same_time_see_it_whole(issuer: Issuer) -> None:
    for _ in range(50):
        user = await user_of(issuer)
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(partial(getattr, user), ["scopes", "username", "access_token"] * 8))
        assert seen[0] == [WEATHER]


async def test_token_that_is_not_exposed_is_not_held(issuer: Issuer) -> None:
    assert (await user_of(issuer)).access_token.token == ""
    assert (await user_of(issuer, expose_token=True)).access_token.token.count(".") == 2
