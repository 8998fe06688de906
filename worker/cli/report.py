"""`rowpatch report`: make the reports of a run again."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def report(
    given: Annotated[Path | None, Parameter(name="run", help="The run directory. Default: the newest one.")] = None, /
) -> int:
    """Rebuild the reports of RUN from its journal, and print its state. Nothing is sent."""
    from worker import reports
    from worker.cli.chosen import chosen
    from worker.cli.guarded import guarded
    from worker.cli.phases import Phases
    from worker.cli.planned import show_planned
    from worker.cli.speech import complain, say
    from worker.exit_statuses import DONE, NOT_ALL, STOPPED
    from worker.operations.report import NoReports, rewrite

    def rebuild() -> int:
        run = chosen("report", given)
        try:
            reported = rewrite(run, observer=Phases())
        except NoReports as error:
            return complain(str(error), STOPPED)
        if reported.plan is not None:
            show_planned(run, reported.plan, reported.settings, reported.api)
            return NOT_ALL if reported.plan.refused else DONE
        if reported.summary is not None:
            say(reports.render_summary(reported.summary, run))
        return DONE

    return guarded(rebuild)
