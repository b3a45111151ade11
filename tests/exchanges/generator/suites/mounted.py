"""The endpoint under a prefix, or behind a proxy that takes one off."""

from __future__ import annotations

from ..suite import EXPRESSES, FASTIFY, FETCH, GO, HONO, HOSTS, NODE, PROXIED, PYTHON, TOWER, WEB, Suite
from .paths import EVERYWHERE, MISSES, OPEN, REDIRECTS, RUNS, Outcomes, add_cases

_PYTHONS = (PYTHON, PROXIED)
_BELOW = tuple(host for host in HOSTS if host != TOWER)
"""Those that guard what is below the prefix alone. The layer of tower is around the whole application, and guards what has no
route too."""

_TARGETS: list[tuple[str, str, Outcomes]] = [
    ("endpoint", "/api/mcp", {RUNS: EVERYWHERE}),
    ("without-prefix", "/mcp", {MISSES: _BELOW}),
    ("prefix-alone", "/api", {MISSES: (PROXIED, FASTIFY, FETCH), REDIRECTS: (PYTHON,)}),
    ("prefix-twice", "/api/api/mcp", {MISSES: (FASTIFY,), RUNS: (PROXIED,)}),
    ("double-slash", "//api/mcp", {MISSES: _BELOW}),
    ("double-slash-within", "/api//mcp", {MISSES: (FASTIFY,)}),
    ("encoded-prefix", "/%61pi/mcp", {MISSES: (*EXPRESSES, PROXIED, GO, FETCH), RUNS: (PYTHON, FASTIFY, HONO)}),
    ("encoded-slash", "/api%2fmcp", {MISSES: (*NODE, PROXIED), RUNS: (PYTHON,)}),
    ("encoded-letter", "/api/%6dcp", {RUNS: (*_PYTHONS, GO, FASTIFY, HONO)}),
    ("upper-case", "/API/mcp", {RUNS: EXPRESSES, MISSES: (*_PYTHONS, *WEB, GO, FASTIFY)}),
    ("upper-case-both", "/API/MCP", {RUNS: EXPRESSES, MISSES: (*_PYTHONS, *WEB, GO, FASTIFY)}),
    ("dot-segments", "/api/../api/mcp", {MISSES: (FASTIFY,), RUNS: WEB}),
    ("dot-segments-out", "/x/../api/mcp", {MISSES: (*EXPRESSES, *_PYTHONS, GO, FASTIFY), RUNS: WEB}),
    ("dot-segments-in", "/api/x/../mcp", {MISSES: (FASTIFY,), RUNS: WEB}),
    ("semicolon", "/api;x/mcp", {MISSES: (*NODE, *_PYTHONS)}),
    ("trailing-slash", "/api/mcp/", {RUNS: EXPRESSES, MISSES: (FASTIFY,)}),
    ("glued", "/apimcp", {MISSES: (*NODE, *_PYTHONS)}),
    ("absolute", "http://mcp.test/api/mcp", {RUNS: (*NODE, GO), MISSES: _PYTHONS}),
    ("public", "/api/open", {OPEN: EVERYWHERE}),
    ("public-then-endpoint", "/api/open/../mcp", {MISSES: (FASTIFY,), RUNS: WEB}),
    ("public-without-prefix", "/open", {MISSES: _BELOW}),
    ("public-of-the-prefix", "/open/api/mcp", {MISSES: _BELOW}),
    ("query", "/api/mcp?/api/open", {RUNS: EVERYWHERE}),
]


def suite() -> Suite:
    comment = "As in `paths`, under /api: a parent application or a proxy takes the prefix off. /open below it is public."
    suite = Suite("mounted", comment, "mounted", "https://mcp.test/api/mcp")
    add_cases(suite, "mounted", "/api/mcp", _TARGETS)
    return suite
