"""What is checked of a row as a whole, whatever form it came in."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from jobs.apis.schema import Schema
from jobs.columns.cells import as_shown, id_fault
from jobs.columns.grammar import HIDDEN
from jobs.columns.problems import RowRefused
from jobs.columns.rules import Rules
from jobs.columns.slots import Draft
from jobs.damage.kinds import SPREADSHEET_ERRORS
from jobs.formats.strays import MISREAD
from jobs.model import ABSENT, RowRef, UpdateJob

_UNREADABLE: Final = frozenset({"cell_error", "formula_not_calculated", "date_impossible"})
_MARKS: Final = frozenset("#=")
"""What reports begin with in the place of a cell that cannot be read."""

_NAMED: Final = 5
"""Keys that a message lists before it only counts."""

_LONGEST_REFERENCE: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def refuse_settled(status: str, reason: str) -> None:
    """Check what a results file says about the row; an unheard-of status says nothing.

    Raises:
        RowRefused: an earlier run left nothing to do.
    """
    if status in {"applied", "unchanged"} or (status == "skipped" and reason == "already_done"):
        raise RowRefused("already_done", f"`__status` says {status}: an earlier run has done this row")


def refuse_unmended(reason: str, cells: Iterable[str]) -> None:
    """Check that a row whose results are fed back has its own values, as they were meant.

    What stood in the results in place of a private value, of a workbook's cell, or of a row that was put together
    wrongly, is now mere text, and would be sent as such.

    Raises:
        RowRefused: it has not.
    """
    cells = list(cells)
    if HIDDEN in cells:
        raise RowRefused("value_hidden", f"`{HIDDEN}` stands where a private value was", cell=HIDDEN)
    if reason in MISREAD:
        raise RowRefused(reason, "an earlier run said so: mend the row, then empty its `__reason`", "__reason", reason)
    if reason in _UNREADABLE:
        for cell in cells:
            if cell[:1] in _MARKS:
                raise RowRefused(
                    reason,
                    f"an earlier run could not read a cell of this row, and `{as_shown(cell)}` stands"
                    " where it was: write the value that is meant, or empty the cell",
                    "",
                    as_shown(cell),
                )


def check_id(text: str) -> None:
    """Check that the row names a record.

    Raises:
        RowRefused: there is no id, it cannot be one, or the row is a comment.
    """
    if not text:
        raise RowRefused("id_missing", "the row does not say which record it updates", "id")
    if text[0] == "#" and text not in SPREADSHEET_ERRORS:
        raise RowRefused("comment", "the id begins with `#`: a comment", "id", as_shown(text))
    if fault := id_fault(text):
        raise RowRefused("id_malformed", fault).at("id", as_shown(text))


def check_reference(text: str) -> None:
    """Check that a reference can be looked up; it may begin with `#`, as order numbers do.

    Raises:
        RowRefused: there is none, or none like this.
    """
    if not text:
        raise RowRefused("id_missing", "the row does not say which record it updates", "reference")
    if fault := reference_fault(text):
        raise RowRefused("reference_malformed", fault).at("reference", as_shown(text))


def reference_fault(text: str) -> str:
    """Explain why no record can be looked up by a text; empty if one can."""
    if text in SPREADSHEET_ERRORS:
        return f"'{text}' is a spreadsheet's error: its formula found no reference"
    if text.isspace():
        return "has nothing but white space"
    if len(text) > _LONGEST_REFERENCE:
        return f"has {len(text)} characters; no reference is that long"
    if not text.isprintable() and (found := _CONTROL.search(text)):
        return f"character {found.start() + 1} is the control character U+{ord(found[0]):04X}"
    return ""


def finish(
    target: tuple[RowRef, str, str], draft: Draft, rules: Rules, status: str, labels: Mapping[tuple[str, ...], str]
) -> UpdateJob:
    """Make the job of a row all of whose cells have been read.

    Args:
        target: the row, its resource type and its id.
        draft: what the cells say.
        rules: what the user said.
        status: what `__status` of an earlier run says, or empty.
        labels: names of the columns by what each is about.

    Raises:
        RowRefused: the row would wipe keys, changes nothing, or repeats what must not be repeated. Its `column` is the
            plain name of the first of several, without a suffix.
    """
    if rules.blind and draft.members:
        _refuse_unknown_sets(draft, rules.schema, target[1])
    if rules.refuse_members:
        _refuse_wiping(draft, rules.schema, target[1])
    attributes, members, relationships = draft.attributes, draft.members, draft.relationships
    triggers, add, remove = draft.triggers, draft.add_tags, draft.remove_tags
    if not (attributes or members or relationships or triggers or add or remove):
        raise RowRefused("nothing_to_change", "the row names a record and nothing to change")
    if remove and (both := [name for name in add if name in remove]):
        raise RowRefused("tag_invalid", f"'{both[0]}' is to be added and removed: drop it from one", "tags.add")
    job = UpdateJob(
        *target, attributes, members, relationships, triggers, add, remove, labels, untyped=draft.untyped,
        triggers_safe=triggers.keys() <= rules.schema.replay_safe,
    )  # fmt: skip
    if status == "unknown" and not (rules.resend_unknown or job.replay_safe):
        raise RowRefused(
            "resend_refused",
            "an earlier run may have applied the row, and its trigger or tags must not be sent twice: "
            "read the record, then pass --resend-unknown if it was not applied",
        )
    return job


def cells_decide(rules: Rules, paths: Collection[tuple[str, ...]]) -> bool:
    """Return whether `finish` accepts every row that changes something and whose cells are each accepted.

    If not, cells can be refused for the company they keep. What an earlier run says of a row is not known here.

    Args:
        rules: what the user said.
        paths: what the columns are about.
    """
    both_ways = any((*path[:-1], "remove") in paths for path in paths if path[-1] == "add")
    of_sets = rules.schema.grammar == "members" and any(path[-1] in {"add", "remove"} for path in paths)
    return not (rules.refuse_members or both_ways or (rules.blind and of_sets))


def _refuse_unknown_sets(draft: Draft, schema: Schema, type_: str) -> None:
    """Check that no element is added to a set, or removed from one, whose other elements nobody has read.

    Raises:
        RowRefused: one is.
    """
    for name, elements in draft.members.items():
        if schema.is_set(type_, name):
            column = f"{name}.{'remove' if ABSENT in elements.values() else 'add'}"
            raise RowRefused(
                "set_not_read",
                f"`{column}` changes a list that the API replaces as a whole, and a blind run does not know its other"
                f" elements: leave out --blind, or write the whole list into `{name}`",
                column,
            )


def _refuse_wiping(draft: Draft, schema: Schema, type_: str) -> None:
    """Check that nothing is set within an object that the API replaces as a whole.

    Raises:
        RowRefused: something is.
    """
    names = [schema.merged] if schema.merged in draft.attributes else []
    wiped = {name: each for name, each in draft.members.items() if not schema.keeps_members(type_, name)}
    names += [f"{name}.{key}" for name, members in wiped.items() for key in members]
    if not names:
        return
    listed = ", ".join(f"`{name[:40]}`" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    raise RowRefused(
        "needs_metadata_replace",
        f"the row sets {listed}{more}, and the API would wipe every other key: leave out --blind, or "
        "pass --metadata replace if that is meant",
        names[0],
    )
