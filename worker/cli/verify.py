"""`rowpatch verify`: check that the server still holds what a run wrote."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, Flags, VerifyFlags, whole_number


def verify(
    run: Annotated[Path | None, Parameter(help="The run directory. Default: the newest one that wrote.")] = None,
    /,
    *,
    sample: Annotated[
        int | None, Parameter(converter=whole_number, group=RUN, help="Number of records to verify, at random.")
    ] = None,
    flags: VerifyFlags = VerifyFlags(),
) -> int:
    """Read every record that RUN wrote again, and check that it still holds what RUN wrote last. Nothing is sent.

    Differences are listed in verify.csv in the run directory. Triggers and fields that the API never shows cannot be
    verified.

    Exit status: 0 if everything holds, 1 if something does not, 3 if the check could not be finished.
    """
    from worker.cli.chosen import chosen
    from worker.cli.guarded import guarded

    return guarded(lambda: _verify(chosen("verify", run), sample, flags))


def _verify(run: Path, sample: int | None, flags: Flags) -> int:
    from functools import partial

    import anyio

    from worker.cli.flags import overridden
    from worker.cli.log import log_event
    from worker.cli.phases import Phases
    from worker.cli.screen import configure_log
    from worker.cli.speech import complain, say
    from worker.cli.verified import tell_verified
    from worker.engine.verifier import Unfinished
    from worker.exit_statuses import DONE, NOT_ALL, STOPPED
    from worker.files.run_directory import journal_in
    from worker.operations import verify as operation
    from worker.operations.recipes import environment_of_run
    from worker.operations.runs import Host
    from worker.settings import ConfigError, read_secrets, state_directory

    journal_in(run)
    if given := flags.of_sheets:
        raise ConfigError(f"The run is verified as it was made: leave out {', '.join(given)}.")
    if sample == 0:
        raise ConfigError("--sample 0: write a number of records like 100.")
    configure_log(flags.log_format)
    with operation.opened(run, partial(overridden, flags=flags)) as opened:
        secrets, host = (
            read_secrets(environment_of_run(run, opened.history.facts, os.environ), opened.api.auth),
            Host(state_directory(), observer=Phases(log_event, shown=not flags.no_progress)),
        )
        try:
            verified = anyio.run(operation.read_again, opened, secrets, host, *operation.choose(opened, host, sample))
        except Unfinished as error:
            return complain(f"{error}\nNot all records were read, so nothing is said about them.", STOPPED)
        except OSError as error:
            return complain(f"cannot write {run / operation.REPORT}: {error}", STOPPED)
    say(tell_verified(verified, run))
    return NOT_ALL if verified.is_different else DONE
