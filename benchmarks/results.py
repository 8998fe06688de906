"""`benchmarks/RESULTS.md` and its charts: a view of the raw figures in `benchmarks/raw/`, which the tools write.

python -m benchmarks.results        makes it anew from what is there
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from benchmarks.chart import bars
from benchmarks.getting import HERE
from benchmarks.peers import OURS, PEERS, READING, YARDSTICK

RAW: Final = HERE / "raw"
MILLION: Final = 1_000_000
PAGE: Final = HERE / "RESULTS.md"

Found = Mapping[str, Any]


def keep(name: str, found: Found) -> None:
    """Store raw figures, and rebuild the page."""
    RAW.mkdir(exist_ok=True)
    (RAW / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    write()


def load(name: str) -> Found | None:
    """Load raw figures; return None if that tool has not run."""
    file = RAW / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def write() -> None:
    """Build the page and its charts."""
    text = (HERE / "results_intro.md").read_text(encoding="utf-8")
    parts = [
        text,
        *_targets(),
        *clients(load("bench"), draw=True),
        *_ladder(load("ladder"), load("ladder-before")),
        *_rates(load("rates")),
        *_scale(load("scale")),
        *nights(load("nights")),
    ]
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")
    print(f"written: {PAGE.relative_to(HERE.parent)}")


def _targets() -> Iterator[str]:
    """Yield the targets beside the figures; nothing until every figure has been measured."""
    bench, scale, rates, million = (load(name) for name in ("bench", "scale", "rates", "million"))
    points = {point["rows"]: point for point in scale["points"]} if scale else {}
    if not (bench and rates and million and MILLION in points):
        return
    http, https, far, jitter = (bench["fields"][name] for name in ("http", "https", "50 ms", "50 ms and jitter"))
    last, peak = points[max(points)], max(point["peak_mib"] for point in points.values()) * 1.048576
    ideal, speed = bench["workers"] / far["latency"], partial(_beside, "rows_per_s", OURS)
    lines = [
        ("CPU a row, http, x bare loop", "at most 1.75, then 1.5", f"{_beside('us', OURS, YARDSTICK, http):.2f}"),
        ("CPU a row, https, x bare loop", "the same", f"{_beside('us', OURS, YARDSTICK, https):.2f}"),
        ("rows/s, http, x bare loop", "at least 0.60", f"{speed(YARDSTICK, http):.2f}"),
        ("rows/s, https, x bare loop", "at least 0.65", f"{speed(YARDSTICK, https):.2f}"),
        ("rows/s, http, x curl --parallel", "at least 0.4", f"{speed('curl --parallel', http):.2f}"),
        ("rows/s, http, x requests in threads", "at least 4", f"{speed('requests, 50 threads', http):.1f}"),
        ("rows/s, http, x a session a call", "at least 10", f"{speed('aiohttp, a session a call', http):.1f}"),
        ("rows/s, http, x newman", "at least 40", f"{speed('newman', http):.0f}"),
        ("rows/s, http, x xargs curl", "at least 40", f"{speed('xargs -P 50 curl', http):.0f}"),
        ("50 ms, 50 in flight, of the ideal", "at least 93 %", f"{far['clients'][OURS]['rows_per_s'] / ideal:.0%}"),
        ("with jitter, x bare loop", "at least 0.95", f"{speed(YARDSTICK, jitter):.2f}"),
        ("memory at any size", "at most 70 MB", f"{peak:.0f} MB"),
        (f"last tenth of {last['rows']:,} rows, x first", "at least 0.95", f"{last['last_to_first']:.2f}"),
        ("CPU of start-up", "at most 0.5 s", f"{http['clients'][OURS]['start_s']:.2f} s"),
        ("the pass over the input, a row", "at most 2 µs", f"{rates['rates']['check, CSV']['us']:.1f} µs"),
        ("reports of a million rows", "within 60 s", f"{points[MILLION]['report_s']:.0f} s"),
        ("a million rows resumed at the last thousand: first request", "within 5 s", f"{million['first_s']:.1f} s"),
    ]
    yield "## Targets\n"
    yield from _grid(("what", "aim", "measured"), lines)


def _beside(figure: str, one: str, other: str, field: Found) -> float:
    return float(field["clients"][one][figure] / field["clients"][other][figure])


def clients(found: Found | None, *, draw: bool = False) -> Iterator[str]:
    """Yield the tables of all clients; `draw` also writes their charts."""
    if found is None:
        return
    yield "## Clients\n"
    yield _machine(found)
    keeps = {peer.name: peer.keeps for peer in PEERS}
    for name, field in found["fields"].items():
        yield f"\n### {name}, {found['workers']} in flight, server: {field['server']}\n"
        yield from _at_a_distance(field, found["workers"]) if field["latency"] else _table(field["clients"], keeps)
        if draw and not field["latency"]:
            file = f"clients-{name.split(',')[0] if ',' not in name else 'reading'}.svg"
            values = {client: figures["us"] for client, figures in field["clients"].items()}
            bars(HERE / file, f"CPU microseconds a row, {name}", values, {OURS, READING})
            yield f"\n![CPU a row]({file})"
    for name, why in found["absent"].items():
        yield f"\nNot measured: {name}: {why}."
    yield ""


def _machine(found: Found) -> str:
    facts = dict(found["machine"])
    place = (facts.pop(name) for name in ("date", "cores", "processor", "kernel", "load"))
    date, cores, processor, kernel, load_ = place
    programs = ", ".join(f"{name} {number}" for name, number in facts.items())
    return (
        f"{date}; {cores} cores, {processor}, Linux {kernel}; load when it began {load_}. {programs}.\n"
        "Medians of interleaved runs; ± is half the range. Start-up, measured with one row, is not in the µs a row."
    )


def _table(clients: Found, keeps: Mapping[str, str]) -> Iterator[str]:
    bare, ours = clients[YARDSTICK], clients.get(OURS)
    yield "| client | CPU, x bare | CPU, x ours | µs a row | ± | rows/s | start-up, s | peak, MiB | kept of a row |"
    yield "| --- | --: | --: | --: | --: | --: | --: | --: | --- |"
    for name, figures in sorted(clients.items(), key=lambda each: each[1]["us"]):
        shown = f"**{name}**" if name in {OURS, READING} else name
        beside = f"{figures['us'] / ours['us']:.2f}" if ours else ""
        yield (
            f"| {shown} | {figures['us'] / bare['us']:.2f} | {beside} | {figures['us']:.0f} | "
            f"{figures['spread'] * 100:.0f} % | {figures['rows_per_s']:,.0f} | {figures['start_s']:.2f} | "
            f"{figures['peak_mib']:.0f} | {keeps.get(name, '')} |"
        )


def _at_a_distance(field: Found, workers: int) -> Iterator[str]:
    ideal = workers / field["latency"]
    yield f"The ideal is {ideal:,.0f} rows/s: {workers} in flight, {field['latency'] * 1000:.0f} ms each.\n"
    lines = (
        (name, f"{each['rows_per_s']:,.0f}", f"{each['rows_per_s'] / ideal * 100:.0f} %", f"{each['us']:.0f}")
        for name, each in field["clients"].items()
    )
    yield from _grid(("client", "rows/s", "of the ideal", "µs a row"), lines)


def _ladder(found: Found | None, before: Found | None) -> Iterator[str]:
    if found is None:
        return
    earlier = {title: f"{total:.1f}" for title, _, total, _ in before["steps"]} if before else {}
    yield "## Where a row's microseconds go\n"
    yield "Stages of the real modules, each switched on in turn (`make hunt NAME=ladder`); µs of CPU a row."
    if before:
        yield "The last column is the same machine's, before the levers were pulled that the ladder showed."
    yield ""
    lines = (
        (title, f"{adds:.1f}", f"{total:.1f}", f"{ratio:.2f}", earlier.get(title, ""))
        for title, adds, total, ratio in found["steps"]
    )
    yield from _grid(("stage", "adds", "in all", "x bare", "before"), lines)


def _rates(found: Found | None) -> Iterator[str]:
    if found is None:
        return
    yield "## Work without sending\n"
    yield f"`make hunt NAME=rates`: {found['rows']:,} rows, raw server; start-up not in the figures.\n"
    lines = (
        (name, f"{rate['rows_per_s']:,}", f"{rate['us']:.1f}", f"{rate['peak_mib']:.0f}")
        for name, rate in found["rates"].items()
    )
    yield from _grid(("command", "rows/s", "µs of CPU a row", "peak, MiB"), lines)


def _scale(found: Found | None) -> Iterator[str]:
    if found is None:
        return
    yield "## From a thousand rows to ten million\n"
    yield "`make hunt NAME=scale`; `--blind`, raw server. The µs are of the whole process, its start-up included.\n"
    columns = (
        ("rows", "rows", ",d"), ("us", "µs a row", ".0f"), ("check_us", "check, µs", ".1f"),
        ("send_us", "sending, µs", ".0f"), ("report_us", "reports, µs", ".0f"), ("rows_per_s", "rows/s", ",d"),
        ("last_to_first", "last tenth, x first", ".2f"), ("peak_mib", "peak, MiB", ".0f"),
        ("journal_bytes", "journal, B/row", ".0f"), ("report_bytes", "reports, B/row", ".0f"),
    )  # fmt: skip
    lines = ([format(point[name], form) for name, _, form in columns] for point in found["points"])
    yield from _grid([title for _, title, _ in columns], lines)


def nights(found: Found | None) -> Iterator[str]:
    """Yield what nights cost whose sheet changes one row in a hundred, beside simpler ways."""
    if found is None:
        return
    least, most = found["points"][0], found["points"][-1]
    yield "## Every night\n"
    yield (
        f"`make hunt NAME=one-percent`: {most['records']:,} records under the limits of live mode, in virtual time.\n"
        f"By the second night {most['changed']:,} rows have changed, and people have edited {most['edited']} records.\n"
        "The other ways are computed, at their best: no request is wasted, and all of the quota is used (`rowpatch`\n"
        "leaves 5 % to others). They read nothing, so nobody hears of an edit that they overwrite or leave.\n"
    )
    names = {
        "first": "first night, all rows differ: run",
        "second": "**second night**: run",
        "everything": "PATCH everything: computed",
        "last_run": "PATCH what differs from yesterday's sheet: computed",
    }
    ways = ((name, most[each]) for each, name in names.items())
    lines = (
        (
            name, *(f"{way[each]:,}" for each in ("reads", "writes", "refused")), _time(way["seconds"]),
            str(way.get("overwritten", "")), str(way.get("unknown", "")),
        )
        for name, way in ways
    )  # fmt: skip
    yield from _grid(("way", "reads", "updates", "refused", "time", "edits overwritten", "edits not noticed"), lines)
    yield _machine(found).partition("\n")[0]
    yield "The whole program, for real, against a sandbox without limits; start-up is in the µs a row.\n"
    columns: tuple[tuple[str, Callable[[Found], str]], ...] = (
        ("records", lambda point: f"{point['records']:,}"),
        ("first night, µs a row", lambda point: f"{point['first_cpu_s'] / point['records'] * 1e6:.0f}"),
        ("peak, MiB", lambda point: f"{point['first_peak_mib']:.0f}"),
        ("second night, µs a row", lambda point: f"{point['second_cpu_s'] / point['records'] * 1e6:.0f}"),
        ("peak, MiB", lambda point: f"{point['second_peak_mib']:.0f}"),
        ("memory of the job, B a record", lambda point: f"{point['state_bytes'] / point['records']:.0f}"),
        ("run, B a row", lambda point: f"{point['run_bytes'] / point['records']:.0f}"),
    )
    yield from _grid([title for title, _ in columns], ([show(each) for _, show in columns] for each in found["points"]))
    if rows := most["records"] - least["records"]:
        grown = [(most[each] - least[each]) * 2**20 / rows for each in ("first_peak_mib", "second_peak_mib")]
        yield f"From {least['records']:,} rows on, the process grows by {grown[0]:.0f} and {grown[1]:.0f} bytes a row."
        yield ""


def _time(seconds: float) -> str:
    """Return hours and minutes, or minutes alone."""
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min"


def _grid(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table of figures, with labels in the left column."""
    for cells in (titles, ("---", *["--:"] * (len(titles) - 1)), *lines):
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    write()
