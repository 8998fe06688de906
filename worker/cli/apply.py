"""`rowpatch apply`: a new run."""

from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, SOURCE, ApiFlags, Flags, RecipeFlag, SourceFlags
from worker.settings import ConfigError


def apply(
    source: Annotated[str | None, Parameter(help=SOURCE)] = None,
    /,
    *,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the run is kept. Default: runs/NAME-TIME.")
    ] = None,
    plan: Annotated[
        Path | None, Parameter(group=RUN, help="Do exactly what the plan in this run directory says.")
    ] = None,
    recipe: RecipeFlag = None,
    which: ApiFlags = ApiFlags(),
    flags: Flags = Flags(),
    reading: SourceFlags = SourceFlags(),
) -> int:
    """Update the records that the rows of SOURCE name: read each record, and send one PATCH if it differs.

    Columns: `id`, `type` (or --type), attributes by name, `metadata.KEY`, members like `options.customer`,
    relationships by name (an id), `tags.add`, `tags.remove`. An empty cell leaves the field alone; <clear> clears it.
    Text stays text, and 007 stays 007, unless the header names a type: `metadata.count:int` (int, float, bool, json,
    str).

    Every flag can be set in the environment too: --expect-mode is ROWPATCH_EXPECT_MODE, --set NAME=VALUE is
    ROWPATCH_SET_NAME. Credentials are read only from there: ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and
    ROWPATCH_CLIENT_SECRET; with _FILE, from the file named.
    """
    from worker.cli.begin import begin
    from worker.cli.guarded import guarded
    from worker.operations.runs import RunMode

    if plan is not None:
        alone = (source, run_dir, recipe) == (None, None, None) and (reading, which) == (SourceFlags(), ApiFlags())
        return guarded(lambda: _execute(plan, flags, alone=alone))
    return guarded(lambda: begin(source, run_dir, RunMode("apply"), flags, reading, which, recipe=recipe))


def _execute(plan: Path, flags: Flags, *, alone: bool) -> int:
    """Execute a plan in the plan's own run directory; `alone` if nothing was given that the plan says itself."""
    from worker.cli.flags import overridden
    from worker.cli.nights import approved, recipe_of_night
    from worker.cli.session import work
    from worker.operations.opening import opened_plan
    from worker.operations.runs import RunMode

    if not alone:
        raise ConfigError(
            "--plan takes its sheet, API and directory from the plan: leave out SOURCE and the flags of these."
        )
    if (recipe := recipe_of_night(plan)) is not None:
        return approved(recipe, plan, flags)
    with opened_plan(plan, partial(overridden, flags=flags)) as handle:
        return work(handle, RunMode("apply", plan="keep"), flags)
