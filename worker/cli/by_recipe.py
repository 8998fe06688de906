"""What a recipe says stands below the environment and the flags: it fills in those that nobody gave."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from worker.cli.flags import ApiFlags, Flags, SourceFlags
from worker.files.refeed import is_ours
from worker.operations.apis import in_environment
from worker.operations.recipes import Chosen
from worker.settings import Input

if TYPE_CHECKING:
    from jobs.recipe.model import Recipe

_T = TypeVar("_T")


def filled(job: Chosen, flags: Flags, which: ApiFlags) -> tuple[Flags, ApiFlags]:
    """Return the flags with what the recipe says where none was given."""
    recipe = job.recipe
    flags = _filled(flags, {
        "url": recipe.url,
        "type": recipe.type,
        "expect_mode": recipe.guards.mode,
        "clear_token": clear_token_of(job),
        "concurrency": recipe.run.concurrency,
        "rate": recipe.run.rate,
        "stop_after": _stop_after(recipe),
    })  # fmt: skip
    return replace(flags, yes=flags.yes or recipe.guards.mode == "live"), api_of(job, which)


def read_as(job: Chosen, reading: SourceFlags, source: str) -> SourceFlags:
    """Return the flags of reading with what the recipe says where none was given. Blocks.

    What it says is about the export: a results file that comes back is read as we write such files.
    """
    if is_ours(source):
        return reading
    said = job.recipe.input
    names = ("format", "encoding", "delimiter", "sheet", "header_row", "visible_only")
    return _filled(reading, {name: getattr(said, name) for name in names})


def api_of(job: Chosen, which: ApiFlags) -> ApiFlags:
    """Return the flags of the API with what the recipe says where neither flag nor environment does."""
    named = {text.partition("=")[0] for text in which.variables or ()}
    more = [
        f"{name}={value}"
        for name, value in job.recipe.set.items()
        if name not in named and not os.environ.get(in_environment(name))
    ]
    which = _filled(which, {"api": None if os.environ.get("ROWPATCH_API") else job.api})
    return replace(which, variables=(*(which.variables or ()), *more) or None)


def clear_token_of(job: Chosen) -> str | None:
    """Return the text of cells that clear, if the recipe says one."""
    said = job.recipe.input
    return said.clear_token if "clear_token" in said.model_fields_set else None


def viewed(how: Input, job: Chosen) -> Input:
    """Return how an input is read, with what the recipe makes of its columns and rows."""
    return how.model_copy(update={"view": job.recipe.view})


def _stop_after(recipe: "Recipe") -> str | None:
    said = recipe.run.stop_after
    return None if said in {None, "off"} else str(said)


def _filled(flags: _T, said: dict[str, Any]) -> _T:
    """Return flags in which what was not given is taken from what was said; empty texts and false say nothing."""
    given = {name: value for name, value in said.items() if value and getattr(flags, name) is None}
    return replace(flags, **given)  # type: ignore[type-var]  # they are dataclasses
