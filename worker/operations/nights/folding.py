"""What a run has taught the memory: nights that ended, were killed, were undone; and partial sheets by a recipe."""

from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from jobs.model import Status
from worker.files import api_copy, night_facts, source
from worker.files.run_directory import JOURNAL, is_held
from worker.files.runs import label_of_undo, says_undo
from worker.journal import History, JournalError
from worker.operations.nights.deciding import Deciding
from worker.operations.nights.survey import named, survey
from worker.operations.opening import stored_settings
from worker.policy.quarantine import Quarantine, is_own, is_ripe
from worker.reconcile import Folded, Memory, Night, Run, fold
from worker.settings import Settings


def folded(deciding: Deciding, directory: Path, serial: int, settings: Settings, *, is_whole: bool) -> Folded | None:
    """Fold the journal of a night into the memory.

    Args:
        deciding: how its rows were decided.
        directory: of the run.
        serial: of the night.
        settings: of the run.
        is_whole: the night has read all of its source, so that it knows who is gone.
    """
    schema, copy = deciding.terms.schema, source.spooled_in(directory, settings.input.format)
    with closing(History(directory / JOURNAL)) as history, source.opened(copy) as stream:
        how, kind = settings.input, settings.target.type
        rows = source.jobs(stream, how, kind, schema, lambda _: True, clearing=True)
        run = Run(
            serial,
            replace(deciding, reread=1).shaped(rows),  # who was not read is told by the journal
            deciding.terms,
            deciding.rules,
            deciding.target,
            named=named(copy, settings, schema) if is_whole else None,
        )
        return fold(deciding.memory, history, run)


def fold_others(deciding: Deciding, recipe: Path, home: Path) -> None:
    """Fold the runs that other commands made since: undos of nights, and sheets that were applied by the recipe.

    Args:
        deciding: how the rows of the job are decided.
        recipe: file of the recipe.
        home: where runs lie.
    """
    nights = deciding.memory.nights
    known = {night.run: night for night in nights.all()}
    undos = {label_of_undo(home / name) for name in known}
    done = {name for name, night in known.items() if night.folded or night.state not in {"partial", "undo"}}
    for directory in _by_age(home, done):
        if is_held(directory):
            continue
        with closing(History(directory / JOURNAL)) as history:
            label = history.facts.get("source", "")
            is_undo = label in undos
            is_gone = night_facts.GONE in history.facts
            ours = history.facts.get(api_copy.RECIPE_PATH) == str(recipe.resolve()) and not says_undo(label)
            ours = ours and (is_gone or night_facts.NIGHT not in history.facts)
            processes = history.processes()
            if not (is_undo or ours) or not processes or {each.command for each in processes} == {"plan"}:
                continue
            settings, _ = stored_settings(history)
            night = Night(directory.name, processes[0].started_at, label, "undo" if is_undo else "partial")
            serial = nights.begin(night)
            copy = source.spooled_in(directory, settings.input.format)
            with source.opened(copy) as stream:
                rows = source.jobs(stream, settings.input, settings.target.type, deciding.terms.schema, lambda _: True)
                run = Run(serial, rows, deciding.terms, deciding.rules, deciding.target, is_undo, is_gone=is_gone)
                fold(deciding.memory, history, run)
            nights.end(serial, night.state, {}, processes[-1].exit_status or 0)


def set_aside(memory: Memory, serial: int, rules: Quarantine) -> None:
    """Set aside the rows that have failed for one cause in so many nights."""
    ripe = [
        (each.target, each.type, each.ident)
        for each in memory.troubles()
        if each.aside is None and is_own(Status(each.status), each.reason) and is_ripe(each.nights.bit_count(), rules)
    ]
    memory.set_aside(ripe, serial)


def surveyed(directory: Path, settings: Settings, deciding: Deciding) -> Deciding:
    """Return how the rows of an earlier run of the job are decided: by what its own source says."""
    copy = source.spooled_in(directory, settings.input.format)
    return deciding.over(survey(copy, settings, deciding.terms.schema))


def _by_age(home: Path, done: Collection[str]) -> Iterator[Path]:
    """Yield the run directories but for those that are done, the ones that were begun first before the others."""
    folders = home.iterdir() if home.is_dir() else ()
    found = [path for path in folders if path.name not in done and (path / JOURNAL).is_file()]
    started = []
    for path in found:
        try:
            with closing(History(path / JOURNAL)) as history:
                processes = history.processes()
        except JournalError:
            continue  # a damaged run teaches nothing; `rowpatch runs` tells of it
        started.append((processes[0].started_at if processes else 0.0, path.name, path))
    return (path for _, _, path in sorted(started))
