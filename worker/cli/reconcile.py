"""`rowpatch reconcile`: nights of the jobs that recipes describe, one after the other."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import NightFlags


def reconcile(
    *recipes: Annotated[Path, Parameter(help="Recipes, done one after the other.")],
    source: Annotated[
        Path | None, Parameter(help="Sheet of tonight, instead of the one that the recipe names.")
    ] = None,
    first: Annotated[
        bool, Parameter(negative=(), help="First night, or the memory is lost: change whatever differs.")
    ] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Plan, and change nothing.")] = False,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), help="A JSON object for each night on standard output.")
    ] = False,
    flags: NightFlags = NightFlags(),
) -> int:
    """Make the records behind an API agree with the sheet of each RECIPE, or say exactly why they do not.

    What the sheet says, what both sides last agreed on, and what is there now are compared field by field. A field that
    somebody else has changed is left alone and told, unless the recipe says otherwise. Guards look at the whole night
    before anything is sent.

    Prints a line for each job. Exit status: the worst of the nights. 0 every row is done; 1 some rows need action, or
    too many are set aside; 2 refused, nothing sent; 3 a guard stopped the night, or it did not finish; 75 another
    process does the job.
    """
    from worker.cli.guarded import guarded
    from worker.cli.nights import night_of_each

    return guarded(
        lambda: night_of_each(
            recipes,
            flags,
            source=source,
            first=first,
            dry_run=dry_run,
            as_json=as_json,
        )
    )
