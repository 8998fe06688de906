"""`make bench`: every client sends the same rows, in turn, over and over; what each cost, ratios first.

    python -m benchmarks.bench [--rows N] [--slow-rows N] [--repeat N] [--workers N] [--server nginx|raw] [NAME ...]

CPU is user and system time of the client and all its children. Its start-up, measured with a single row, is listed
separately. Clients that read before they write are compared on the raw server, which can answer pages. Figures go to
`benchmarks/raw/bench.json` and `benchmarks/RESULTS.md`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, results
from benchmarks.measuring import Cost, Failed, interleaved, median, spread
from benchmarks.peers import OURS, READING, YARDSTICK, Peer, Task, at, chosen
from benchmarks.servers import nginx, running

STARTS: Final = 3
"""Runs of a single row, for the start-up."""

TRIED: Final = 20
"""Rows that a client must get through before it is measured."""

LATENCY: Final = 0.05
"""Seconds before each reply, where the share of the ideal is measured."""

AT_A_DISTANCE: Final = (YARDSTICK, OURS)


@dataclass(frozen=True, slots=True)
class Field:
    """One comparison: a server, and who takes part."""

    name: str
    kind: str
    tls: bool = False
    latency: float = 0.0
    jitter: float = 0.0


FIELDS: Final = (
    Field("http", "any"),
    Field("https", "any", tls=True),
    Field("http, pages can be read", "raw"),
    Field("50 ms", "raw", latency=LATENCY),
    Field("50 ms and jitter", "raw", latency=LATENCY / 2, jitter=LATENCY / 2),
)


def main() -> None:
    """Measure and write."""
    options = _options()
    found: dict[str, Any] = {"machine": machine.facts(), "workers": options.workers, "fields": {}}
    peers = chosen(options.names)
    absent = {peer.name: why for peer in peers if (why := peer.have())}
    there = [peer for peer in peers if peer.name not in absent]
    for field in FIELDS:
        if options.fields and not any(word in field.name for word in options.fields):
            continue
        print(f"{field.name}:", file=sys.stderr)
        with _prepared(field, options) as task:
            able = [peer for peer in _partakers(field, there) if not _fails(peer, task, absent)]
            found["fields"][field.name] = _compared(field, able, task, options)
    found["absent"] = absent
    if options.names or options.fields:
        print("\n".join(results.clients(found)))  # a part of it is only shown
    else:
        results.keep("bench", found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only clients whose names contain one of these")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--slow-rows", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--server", choices=["nginx", "raw"], default="nginx")
    parser.add_argument("--fields", nargs="*", default=[], help="only these comparisons")
    return parser.parse_args()


@contextmanager
def _prepared(field: Field, options: argparse.Namespace) -> Iterator[Task]:
    kind = "nginx" if field.kind == "any" and options.server == "nginx" and nginx() else "raw"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(folder, tls=field.tls, kind=kind, latency=field.latency, jitter=field.jitter) as server:
            yield Task(server, options.rows, options.workers, folder)


def _partakers(field: Field, there: list[Peer]) -> list[Peer]:
    if field.latency:
        return [peer for peer in there if peer.name in AT_A_DISTANCE]
    if field.kind == "raw":
        return [peer for peer in there if peer.name in {YARDSTICK, OURS, READING}]
    return [peer for peer in there if not peer.reads]


def _fails(peer: Peer, task: Task, absent: dict[str, str]) -> bool:
    """Try a few rows; why it cannot be measured is kept."""
    try:
        peer.run(at(task, TRIED))
    except Failed as error:
        absent[f"{peer.name} ({task.server.origin.partition(':')[0]})"] = str(error).strip().splitlines()[-1][:120]
        return True
    return False


def _compared(field: Field, peers: list[Peer], task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Measure all clients; return, by client, the raw figures and the costs derived from them."""
    counts = {peer.name: options.slow_rows if peer.slow else options.rows for peer in peers}
    starting = {peer.name: partial(peer.run, at(task, 1)) for peer in peers}
    working: dict[str, Callable[[], Cost]] = {
        peer.name: partial(peer.run, at(task, counts[peer.name])) for peer in peers
    }
    starts = interleaved(starting, STARTS if not field.latency else 1)
    costs = interleaved(working, options.repeat)
    clients = {name: _told(counts[name], starts[name], costs[name]) for name in costs}
    return {"server": task.server.name, "latency": field.latency + field.jitter, "clients": clients}


def _told(rows: int, starts: list[Cost], costs: list[Cost]) -> dict[str, Any]:
    start, start_wall = median(each.cpu for each in starts), median(each.wall for each in starts)
    wall = median(each.wall for each in costs)
    net = [max(1e-9, each.cpu - start) / (rows - 1) * 1e6 for each in costs]
    return {
        "rows": rows,
        "us": round(median(net), 1),
        "spread": round(spread(net), 3),
        "system_share": round(median(each.system / each.cpu for each in costs), 2),
        "start_s": round(start, 3),
        "rows_per_s": round(rows / (wall - start_wall if wall > 2 * start_wall else wall), 1),
        "peak_mib": round(median(each.peak for each in costs), 1),
        "raw": [
            [round(each.user, 3), round(each.system, 3), round(each.wall, 3), round(each.peak, 1)] for each in costs
        ],
    }


if __name__ == "__main__":
    main()
