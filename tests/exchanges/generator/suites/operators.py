"""What probes and scrapers are answered, without a token and beside whatever is guarded."""

from __future__ import annotations

from ..answers import NO_TOKEN, SERVED_HEALTH, served_metrics, status
from ..request import bearer, call, request
from ..suite import FASTMCP, GO, HONO, PYTHON, WEB, Deviation, Suite, on

_PATHS = {"health": "/healthz", "metrics": "/metrics"}


def suite() -> Suite:
    comment = "Probes ask /healthz, scrapers /metrics. The counters are those of the cases before: order matters."
    suite = Suite("operators", comment, "operators")
    scrape = request(method="GET", target="/metrics")
    suite.case("metrics-at-first", "Nothing was decided yet.", scrape, served_metrics())
    suite.case(
        "metrics-count",
        "A refusal is counted, and a scrape is not.",
        [call("weather", token=None), scrape, scrape],
        NO_TOKEN,
        served_metrics('scopegate_refused_total{reason="missing_token"} 1'),
        served_metrics('scopegate_refused_total{reason="missing_token"} 1'),
    )
    suite.case("health", "The status alone.", request(method="GET", target="/healthz"), SERVED_HEALTH)
    for name, path in _PATHS.items():
        told = SERVED_HEALTH if name == "health" else {"status": 200, "fields": served_metrics()["fields"]}
        expired = request(*bearer("expired"), method="GET", target=path)
        suite.case(f"{name}-with-expired-token", "It stands before the gate.", expired, told)
        suite.case(f"{name}-query", "A query is no part of the path.", request(method="GET", target=f"{path}?x=1"), told)
        head = request(method="HEAD", target=path)
        suite.case(f"{name}-head", "The length in place of the body.", head, told | {"body": ""})
        for method in ("POST", "PUT", "OPTIONS"):
            other = request("Content-Length: 0", method=method, target=path)
            suite.case(f"{name}-{method.lower()}", "Another method is a request like any other.", other, NO_TOKEN)
        for id, target, found in (
            ("trailing-slash", f"{path}/", ()),
            ("double-slash", f"/{path}", ()),
            ("upper-case", path.upper(), ()),
            ("semicolon", f"{path};x", ()),
            ("below", f"{path}/x", ()),
            ("dot-segment", f"/.{path}", WEB),
            ("encoded-letter", f"/%{ord(path[1]):x}{path[2:]}", (PYTHON, FASTMCP, GO, HONO)),
        ):
            hosts = on([FASTMCP], "nothing is there", status(404))
            hosts |= {host: Deviation("the path that it routes by is that one", status(200)) for host in found}
            suite.case(f"{name}-{id}", f"The target is {target}", request(method="GET", target=target), NO_TOKEN, hosts=hosts)
    return suite
