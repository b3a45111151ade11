"""Tables from results.json: all for the terminal, less for README.md beside this file, least for the first page."""

from __future__ import annotations

from collections.abc import Iterator

from results import ALGORITHMS, Results, Row

OURS = "Scopegate"
ASYNC = "Scopegate async"


def microseconds(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def everything(results: Results) -> str:
    """One line for each row: its median and its least, by the limit and by what Scopegate takes in that language."""
    lines = [machine(results), ""]
    lines += [f"{language}: {versions}" for language, versions in versions_of(results)]
    lines += [
        "",
        "µs of one call, of all threads together; by the signature alone, and by Scopegate in that language",
    ]
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in results.rows:
        groups.setdefault((row.algorithm, row.workload, row.lane), []).append(row)
    for (algorithm, workload, lane), rows in groups.items():
        lines += ["", f"{algorithm}, {workload}, {lane}".ljust(46) + "   median      min  x limit   x ours"]
        limit = results.limit(algorithm, lane)
        for row in rows:
            ours = base(results, row)
            ratio = f"{row.median_us / ours:9.2f}" if ours else ""
            lines.append(
                f"{row.language + ', ' + row.contender:46}{row.median_us:9.3f}{row.min_us:9.3f}"
                f"{row.median_us / limit:9.2f}{ratio}"
            )
    return "\n".join(lines)


def base(results: Results, row: Row) -> float | None:
    """What Scopegate takes for the same."""
    for name in (OURS, ASYNC):
        median = results.median(row.language, name, row.algorithm, row.workload, row.lane)
        if median is not None:
            return median
    return None


def machine(results: Results) -> str:
    of = results.machine
    return (
        f"{of['processor']}, {of['processors']} processors, {of['architecture']}, {of['system']}; {results.taken}, "
        f"{results.rounds} batches of {results.batch_seconds * 1000:.0f} ms, load {of['load_before']} before and "
        f"{of['load_after']} after."
    )


def versions_of(results: Results) -> Iterator[tuple[str, str]]:
    for language, versions in results.versions.items():
        yield language, ", ".join(f"{name} {version}" for name, version in versions.items())


def headline(results: Results) -> str:
    """For README.md: one line for each language."""
    lines = [
        "| RS256, one thread, µs | a new token | seen before | best other library: a new token | seen before |",
        "| --- | --- | --- | --- | --- |",
    ]
    for language in results.contenders:
        ours = [microseconds(results.median(language, OURS, "RS256", workload)) for workload in ("cold", "hot")]
        others = []
        for workload in ("cold", "hot"):
            name, median = results.best(language, "RS256", workload)
            others.append(f"{microseconds(median)} ({results.titled(language, name)})")
        lines.append(f"| {language} | {' | '.join(ours + others)} |")
    limit = microseconds(results.limit("RS256"))
    return "\n".join([*lines, "", f"Medians; the signature alone takes {limit} µs. {machine(results)}", ""])


def most(results: Results) -> str:
    """For README.md beside this file."""
    lines = [machine(results), ""]
    lines += [f"- {language}: {versions}" for language, versions in versions_of(results)]
    limits = ", ".join(f"{algorithm} {microseconds(results.limit(algorithm))}" for algorithm in ALGORITHMS)
    lines += ["", f"The limit, a signature alone with aws-lc-rs: {limits} µs on one thread."]
    for language in results.contenders:
        lines += ["", f"### {language}", "", *language_table(results, language)]
    return "\n".join(lines) + "\n"


def language_table(results: Results, language: str) -> Iterator[str]:
    yield "| µs, one thread: new / seen before / mixed | " + " | ".join(ALGORITHMS) + " | accepts |"
    yield "| --- " * (len(ALGORITHMS) + 2) + "|"
    known = {fault for each in results.contenders[language] for fault in each["refuses"]}
    for each in results.contenders[language]:
        cells = []
        for algorithm in ALGORITHMS:
            medians = [results.median(language, each["name"], algorithm, of) for of in ("cold", "hot", "mixed")]
            cells.append(" / ".join(microseconds(median) for median in medians if median is not None))
        accepts = "" if each["kind"] == "piece" else ", ".join(sorted(known - set(each["refuses"])))
        yield f"| {results.titled(language, each['name'])} | {' | '.join(cells)} | {accepts} |"
    lanes = list(dict.fromkeys(row.lane for row in results.rows if row.language == language and row.lane != "1 thread"))
    for lane in lanes:
        yield ""
        yield f"| µs, {lane}: new / seen before | RS256 | ES256 |"
        yield "| --- | --- | --- |"
        for each in results.contenders[language]:
            cells = []
            for algorithm in ("RS256", "ES256"):
                medians = [results.median(language, each["name"], algorithm, of, lane) for of in ("cold", "hot")]
                cells.append(" / ".join(microseconds(median) for median in medians if median is not None))
            if any(cells):
                yield f"| {each['name']} | {' | '.join(cells)} |"
