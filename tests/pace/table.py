"""All scenarios with all clients, as a table: `python -m tests.pace.table [SCENARIO ...]`."""

import math
import sys

from tests.pace.scenario import CLIENTS, names, play, read

_HEAD = ("scenario", "client", "share %", "ok/s", "refused", "429", "in flight max", "settled", "mean", "ETA error %")


def main(wanted: list[str]) -> None:
    """Print a line for each scenario and client; share is of the quota, or of the ideal where there is none."""
    _line(*_HEAD)
    for name in wanted or names():
        scenario = read(name)
        for client, maker in CLIENTS.items():
            figures, named = play(scenario, maker)
            eta = named["eta_error"]
            _line(
                name, client, f"{figures.share:.1f}", f"{figures.rate:.1f}", figures.refusals, figures.refused_429,
                figures.max_in_flight, figures.settled_in_flight, f"{figures.mean_in_flight:.1f}",
                "-" if math.isnan(eta) or client != "rowpatch" else f"{eta:.1f}",
            )  # fmt: skip


def _line(name: object, client: object, *cells: object) -> None:
    sys.stdout.write(f"{name!s:26} {client!s:20} " + " ".join(f"{cell!s:>13}" for cell in cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
