"""Who may use an MCP session: its owner alone, as long as it is remembered."""

from __future__ import annotations

from scopegate._sessions import MAX_SESSIONS, Sessions


def test_session_is_its_owners_alone() -> None:
    sessions = Sessions()
    sessions.opened("a", "alice")
    assert not sessions.are_foreign(["a"], "alice")
    assert sessions.are_foreign(["a"], "bob")
    assert sessions.are_foreign(["b", "a"], "bob")
    assert not sessions.are_foreign(["b"], "bob")


def test_session_that_is_answered_to_another_stays_its_owners() -> None:
    sessions = Sessions()
    sessions.opened("a", "alice")
    sessions.opened("a", "bob")
    assert not sessions.are_foreign(["a"], "alice")
    assert sessions.are_foreign(["a"], "bob")


def test_session_that_was_not_used_for_longest_is_forgotten_first() -> None:
    sessions = Sessions()
    for number in range(MAX_SESSIONS):
        sessions.opened(str(number), "alice")
    assert not sessions.are_foreign(["0"], "alice")
    sessions.opened("one more", "alice")
    assert sessions.are_foreign(["0"], "bob")
    assert not sessions.are_foreign(["1"], "bob")
