"""All scenarios with all clients: `python -m tests.system.pace.table [--markdown] [SCENARIO ...]`."""

import math
import sys
from collections.abc import Iterable, Iterator

from tests.system.pace.drive import Figures
from tests.system.pace.scenario import CLIENTS, names, play, read

_HEAD = ("scenario", "client", "share %", "ok/s", "refused", "429", "in flight max", "settled", "mean", "ETA error %")


def main(wanted: list[str]) -> None:
    """Print what came of each; share is of the quota, or of the ideal where there is none."""
    chosen = [name for name in wanted if name != "--markdown"] or names()
    for line in _markdown(chosen) if "--markdown" in wanted else _lines(chosen):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _lines(chosen: Iterable[str]) -> Iterator[str]:
    """A line for each scenario and client."""
    yield _line(*_HEAD)
    for name in chosen:
        for client, maker in CLIENTS.items():
            figures, named = play(read(name), maker)
            yield _line(
                name, client, f"{figures.share:.1f}", f"{figures.rate:.1f}", figures.refusals, figures.refused_429,
                figures.max_in_flight, figures.settled_in_flight, f"{figures.mean_in_flight:.1f}",
                _eta(named) if client == "rowpatch" else "-",
            )  # fmt: skip


def _markdown(chosen: Iterable[str]) -> Iterator[str]:
    """A row for each scenario, as in `docs/pace.md`."""
    ours, *peers = CLIENTS
    head = ["Scenario", f"{ours}: share", "refused", "in flight", "ETA error", *peers]
    yield f"| {' | '.join(head)} |"
    yield f"| --- |{' ---: |' * (len(head) - 1)}"
    for name in chosen:
        figures, named = play(read(name), CLIENTS[ours])
        cells = [f"{figures.share:.1f} %", f"{figures.refusals:,}", str(figures.max_in_flight), _eta(named)]
        cells += [_beside(play(read(name), CLIENTS[peer])[0]) for peer in peers]
        yield f"| `{name}` | {' | '.join(cells)} |"


def _beside(figures: Figures) -> str:
    return f"{figures.share:.0f} % / {figures.refusals:,}"


def _eta(named: dict[str, float]) -> str:
    return "-" if math.isnan(named["eta_error"]) else f"{named['eta_error']:.1f} %"


def _line(name: object, client: object, *cells: object) -> str:
    return f"{name!s:26} {client!s:20} " + " ".join(f"{cell!s:>13}" for cell in cells)


if __name__ == "__main__":
    main(sys.argv[1:])
