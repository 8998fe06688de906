"""`rowpatch report`: make the reports of a run again."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(
    given: Annotated[Path | None, Parameter(name="run", help="The run directory. Default: the newest one.")] = None, /
) -> int:
    """Rebuild the reports of RUN from its journal, and say how it stands. Nothing is sent."""
    from worker import reports
    from worker.cli.chosen import chosen
    from worker.cli.planned import finish_plan
    from worker.cli.session import STOPPED, guarded, made_with
    from worker.cli.speech import complain, say
    from worker.engine.run import Ended
    from worker.files.run_directory import JOURNAL, locked
    from worker.journal import PLAN, History
    from worker.settings import ConfigError

    def rebuild() -> int:
        run = chosen("report", given)
        if not (run / JOURNAL).is_file():
            raise ConfigError(f"{run} is not a run directory: it has no {JOURNAL}.")
        try:
            with locked(run), closing(History(run / JOURNAL)) as history:
                if history.facts.get(PLAN) == "complete":
                    return finish_plan(run, history, *made_with(history), Ended("planned", 0), detailed=False)
                summary = reports.write(run, history, *made_with(history))
        except OSError as error:
            return complain(f"no reports: {error}. The results are safe in the journal.", STOPPED)
        say(reports.tell(summary, run))
        return 0

    return guarded(rebuild)
