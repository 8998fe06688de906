"""`rowpatch verify`: whether the server still holds what a run wrote."""

import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, Flags, whole


def verify(
    run: Annotated[Path | None, Parameter(help="The run directory. Default: the newest one that wrote.")] = None,
    /,
    *,
    sample: Annotated[
        int | None, Parameter(converter=whole, group=RUN, help="Only so many records, chosen at random.")
    ] = None,
    flags: Flags = Flags(),
) -> int:
    """Read every record that RUN wrote again, and say whether it still holds what RUN wrote last. Nothing is sent.

    What differs is listed in verify.csv in the run directory. Triggers and fields that the API never shows cannot be
    verified.

    Exit status: 0 when everything holds, 1 when something does not, 3 when it could not be finished.
    """
    from worker.cli.chosen import chosen
    from worker.cli.session import guarded

    return guarded(lambda: _verify(chosen("verify", run), sample, flags))


def _verify(run: Path, sample: int | None, flags: Flags) -> int:
    from random import Random

    import anyio

    from worker.cli.flags import overridden
    from worker.cli.screen import configure_log
    from worker.cli.session import STOPPED, made_with
    from worker.cli.speech import complain, say
    from worker.cli.verified import reporting, tell_verified
    from worker.clock import Clock
    from worker.engine import verifier
    from worker.files.run_directory import JOURNAL, locked
    from worker.journal import Counters, History
    from worker.lane.connect import Way
    from worker.lane.network import route_of
    from worker.settings import ConfigError, read_secrets, state_directory
    from worker.stop import Stop

    if not (run / JOURNAL).is_file():
        raise ConfigError(f"{run} is not a run directory: it has no {JOURNAL}.")
    if given := flags.of_sheets:
        raise ConfigError(f"The run is verified as it was made: leave out {', '.join(given)}.")
    if sample == 0:
        raise ConfigError("--sample 0: write a number of records like 100.")
    configure_log(flags.log_format)
    with locked(run), closing(History(run / JOURNAL)) as history:
        settings = overridden(made_with(history)[0], flags)
        secrets = read_secrets(os.environ)
        route_of(settings, secrets)  # refused here rather than half-way

        async def read() -> verifier.Verified:
            clock = Clock().bound()
            way = Way(settings, secrets, state_directory(), Counters(), clock, Stop())
            records = verifier.written_records(history)
            dice = Random(clock.sample())  # noqa: S311  # a sample, not a secret
            chosen = records if sample is None else iter(verifier.sampled(records, sample, dice))
            with reporting(run) as report:
                return await verifier.verify(way, chosen, report, history.last_result())

        try:
            verified = anyio.run(read)
        except verifier.Unfinished as error:
            return complain(f"{error}\nNot all records were read, so nothing is said about them.", STOPPED)
        except OSError as error:
            return complain(f"cannot write {run / 'verify.csv'}: {error}", STOPPED)
    say(tell_verified(verified, run))
    return int(bool(verified.counts.keys() - {"holds"}))
