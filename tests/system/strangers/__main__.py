"""`make hunt NAME=strangers`: the program against servers that nobody here wrote; a table, and every untrue statement.

    python -m tests.system.strangers              all of them
    python -m tests.system.strangers django       one

Exits with 1 when a result was untrue, or when a stranger could not be had or broke.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.system.strangers import (
    cellar,
    django,
    fortune,
    fronts,
    json_server,
    jsonapi_server,
    kinto,
    plain_rest,
    pocketbase,
    prism,
    published,
)
from tests.system.strangers.story import Line

STRANGERS: Final[dict[str, Callable[[Path], list[Line]]]] = {
    "django": django.visited,
    "fortune": fortune.visited,
    "jsonapi-server": jsonapi_server.visited,
    "jsonapi-shop": django.described,
    "kinto": kinto.visited,
    "json-server": json_server.visited,
    "plain-rest": plain_rest.visited,
    "pocketbase": pocketbase.visited,
    "haproxy": fronts.haproxy,
    "nginx": fronts.nginx,
    "mitmproxy": fronts.mitmproxy,
    "prism": prism.visited,
    "published": published.visited,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(STRANGERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended too
    names = parser.parse_args().names or list(STRANGERS)
    lines, broken = [], []
    for name in names:
        folder = cellar.FOLDER / "visits" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began = time.monotonic()
        try:
            lines += STRANGERS[name](folder)
        except cellar.Missing as error:
            broken.append(f"{name} could not be had: {error}")
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            broken.append(f"{name} broke: {error}")
        _say(f"{name}: {time.monotonic() - began:.0f} s, logs in {folder}")
    _table(lines)
    for each in broken:
        _say(each)
    return 1 if broken or any(line.false for line in lines) else 0


def _table(lines: list[Line]) -> None:
    for line in lines:
        for each in line.false:
            _say(f"UNTRUE {line.server}: {each}")
    _say(f"\n{'server':48}{'rows':>6}{'untrue':>8}{'refusals':>10}{'seconds':>9}  what was run")
    for line in lines:
        refused = sum(line.refusals.values())
        ran = " ".join(line.steps)
        _say(f"{line.server:48}{line.rows:>6}{len(line.false):>8}{refused:>10}{line.seconds:>9.0f}  {ran}")
        for why, count in sorted(line.refusals.items()):
            if count:
                _say(f"    {count:>5} x {why}")
        for note in line.notes:
            _say(f"    {note}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
