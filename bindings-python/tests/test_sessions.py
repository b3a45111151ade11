"""Whose a session is."""

from __future__ import annotations

from scopegate import ResourceServer
from scopegate._sessions import owner_of
from scopegate.testing import Issuer


def test_names_of_client_and_user_do_not_run_into_each_other(issuer: Issuer, gate: ResourceServer) -> None:
    between = f" {issuer.issuer} "
    names = [("a", f"b{between}c"), (f"a{between}b", "c")]
    tokens = [gate.authorize(issuer.authorization(client_id=client, sub=user)) for client, user in names]
    assert len({owner_of(token, b"") for token in tokens}) == 2


def test_tokens_that_name_nobody_are_their_own_owners(issuer: Issuer, gate: ResourceServer) -> None:
    names = {"sub": "", "client_id": ""}
    lines = [issuer.authorization(**names), issuer.authorization(**names)]
    owners = [owner_of(gate.authorize(line), line.encode()) for line in (*lines, lines[0])]
    assert owners[0] == owners[2] != owners[1]
