"""Honest requests: what each attack is held against."""

from __future__ import annotations

from ..answers import BAD_TOKEN, DENIED, EMAIL_SHORT, NO_TOKEN, PASSES, TWO_CREDENTIALS
from ..message import VERSIONS
from ..request import bearer, call
from ..suite import Suite, at, runs


def suite() -> Suite:
    suite = Suite("controls", "Honest requests. Without these the other suites would show nothing.")
    for version in VERSIONS:
        suite.case(at("control-weather", version), "An allowed tool.", call("weather", version=version), PASSES, **runs())
        suite.case(
            at("control-email", version),
            "A tool for another scope, which this token has.",
            call("send_email", version=version, token="mail"),
            PASSES,
            **runs("send_email"),
        )
        suite.case(at("control-free", version), "A tool that needs no scope.", call("free", version=version), PASSES, **runs("free"))
        suite.case(at("control-erase", version), "A denied tool.", call("erase", version=version), DENIED)
        suite.case(at("control-drop", version), "A tool that a pattern denies.", call("drop_table", version=version), DENIED)
        suite.case(at("control-email-short", version), "The scope is short.", call("send_email", version=version), EMAIL_SHORT)
        suite.case(at("control-no-token", version), "No token.", call("weather", version=version, token=None), NO_TOKEN)
        suite.case(at("control-expired", version), "An expired token.", call("weather", version=version, token="expired"), BAD_TOKEN)
    two = call("weather", *bearer("mail"))
    suite.case("control-two-credentials", "Two Authorization lines.", two, TWO_CREDENTIALS)
    suite.case(
        "control-token-in-query",
        "A token in the query is not read.",
        call("weather", token=None, target="/mcp?access_token={alice}"),
        NO_TOKEN,
    )
    return suite
