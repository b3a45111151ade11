"""The command line: ``python -m scopegate explain``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scopegate._errors import ConfigError
from scopegate._explanation import Explanation
from scopegate._scopegate import environment, pasted
from scopegate._server import ResourceServer

_DESCRIPTION = "For operators of a resource server. COMMAND --help tells the rest."

_EPILOG = """\
exit status: 0 the request may pass, 1 it is refused, 2 it cannot be told (keys or the body are missing) or the
arguments are wrong. A token is never taken from the arguments, where every user of the machine can read it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        return _fail("unknown arguments; a token is read from standard input or --token-file")
    if options.config is None and not any(os.environ.get(name) for name in environment()):
        return _fail("no configuration: expected --config FILE, or SCOPEGATE_CONFIG or its like in the environment")
    try:
        explanation = _explain(options)
    except ConfigError as error:
        return _fail(*(f"{path}: {message}" for path, message in error.errors))
    except OSError as error:
        return _fail(str(error))
    print(explanation.to_json() if options.json else str(explanation).rstrip("\n"))
    return {"accepted": 0, "refused": 1}.get(explanation.outcome, 2)


def _explain(options: argparse.Namespace) -> Explanation:
    gate = ResourceServer.from_env() if options.config is None else ResourceServer.from_json(_text(options.config))
    source = sys.stdin.buffer.read() if options.token_file is None else options.token_file.read_bytes()
    request: dict[str, Any] = {"method": "POST", "target": gate.path, **pasted(source)}
    request |= {name: getattr(options, name) for name in ("method", "target") if getattr(options, name) is not None}
    if options.body is not None:
        request["body"] = options.body.read_bytes()
    if not options.offline:
        try:
            gate.warm_up()
        except ConnectionError as error:
            print(f"scopegate: no keys: {error}", file=sys.stderr)
    return gate.explain(request.pop("authorization"), **request, scopes=options.scope, now=options.now)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _fail(*lines: str) -> int:
    for line in lines:
        print(f"scopegate: {line}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scopegate", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=version("scopegate"))
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    explain = commands.add_parser(
        "explain",
        help="why a token is accepted or refused",
        description="Tells why a request is accepted or refused: every check, with what was expected and found. "
        "Standard input has the token, Authorization lines or a whole HTTP request.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    explain.add_argument("--config", type=Path, metavar="FILE", help="the configuration, JSON (default: SCOPEGATE_*)")
    explain.add_argument("--token-file", type=Path, metavar="FILE", help="in place of standard input")
    explain.add_argument("--method", help="the HTTP method (default: the request's, or POST)")
    explain.add_argument("--target", help="path and query (default: the request's, or the path of the resource)")
    explain.add_argument("--body", type=Path, metavar="FILE", help="the body of the request")
    explain.add_argument(
        "--scope", action="append", default=[], help="a scope that the request needs besides; may repeat"
    )
    explain.add_argument("--json", action="store_true", help="the explanation as JSON")
    explain.add_argument("--offline", action="store_true", help="fetch no keys")
    explain.add_argument("--now", type=int, metavar="SECONDS", help="the time to judge by, in seconds since 1970")
    return parser
