"""The closed registry of reason codes: what each means and what to do about it.

Reports carry these codes and others rely on them: a code is never renamed or given another meaning. A code belongs to
exactly one status, so that a reason alone tells what became of a row.
"""

from typing import Final

from jobs.model import Status
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Reason:
    """One reason code.

    Attributes:
        meaning: what happened, for somebody who knows spreadsheets rather than HTTP.
        action: what to do about it; empty when there is nothing to do.
    """

    status: Status
    meaning: str
    action: str = ""


KEPT_FORM: Final = "kept_form"
"""Reason of rows that were sent and changed nothing but, perhaps, the form in which the API stores the same words."""

_MAY_LAND: Final = "It may still land: wait a while, look at the record, then retry."
"""What to do about a row that may have been applied, or may be yet."""

REASONS: Final[dict[str, Reason]] = {
    # applied: sent, and the API confirmed it
    "echo_differs": Reason(
        Status.APPLIED,
        "Applied, but the API shows another value than the one sent for the named fields.",
        "Look at one of these records: the API may have stored the value in its own form.",
    ),
    "values_lost": Reason(
        Status.APPLIED,
        "Applied, but values of the record that the row does not set are gone: the API replaces more than it is sent.",
        "Undo the run, which puts them back. Correct the API's description (`merge`, `send`), then apply again.",
    ),
    "concrete_type": Reason(
        Status.APPLIED,
        "Applied through the record's concrete type, because the API does not update the abstract type itself.",
    ),
    "resent": Reason(
        Status.APPLIED,
        "Applied. An earlier attempt had left without a trustworthy reply, so the row was sent again; that is safe.",
    ),
    "unverified": Reason(
        Status.APPLIED,
        "The API confirmed the update without saying what it stored.",
    ),
    "read_back": Reason(
        Status.APPLIED,
        "Applied: no reply could tell, but the record shows it.",
    ),
    # unchanged: nothing was changed
    "as_agreed": Reason(
        Status.UNCHANGED,
        "The row says what both sides last agreed on; its record was not read tonight (`reread`).",
    ),
    "as_wanted": Reason(Status.UNCHANGED, "The record already was as the row wants it; nothing was sent."),
    "no_op": Reason(
        Status.UNCHANGED,
        "The API refused the update since nothing would change, and the record is as the row wants it.",
    ),
    # invalid: the row itself is wrong, and nothing was sent
    "id_missing": Reason(
        Status.INVALID,
        "The row does not say which record it updates.",
        "Fill in the id, or all parts of the key; or name records by another field, such as `reference`, instead.",
    ),
    "id_malformed": Reason(
        Status.INVALID,
        "The id, or another part of the key, cannot be one: it is '.' or '..', or has characters that no id has there.",
        "Copy it from the API again; look for stray spaces, invisible characters, or two ids in one cell.",
    ),
    "reference_malformed": Reason(
        Status.INVALID,
        "The record cannot be looked up by this value: a spreadsheet's error, blank, too long, or control characters.",
        "Copy the value from the API again, or name the record by its id.",
    ),
    "type_missing": Reason(
        Status.INVALID, "The row does not say which resource type it updates.", "Fill in `type`, or pass --type."
    ),
    "type_unknown": Reason(
        Status.INVALID,
        "No resource type of that name can be updated.",
        "Check the spelling: many APIs name types in the plural.",
    ),
    "column_not_of_type": Reason(
        Status.INVALID,
        "The row's resource type has no field of that name, or none that can be set.",
        "Leave the cell empty for this type. If the API knows the field: `attributes.NAME`; where described, `/NAME`.",
    ),
    "cell_count": Reason(
        Status.INVALID,
        "The row has more or fewer cells than the header.",
        "Look for a missing or an extra delimiter, or an unquoted delimiter inside a value.",
    ),
    "column_unnamed": Reason(
        Status.INVALID,
        "The row has a cell in a column that has no name in the header.",
        "Name the column in the header, or delete it: a remark does not belong into the sheet.",
    ),
    "repeated_header": Reason(
        Status.INVALID,
        "The row repeats the header: several files were put together.",
        "Delete the row.",
    ),
    "rows_in_cell": Reason(
        Status.INVALID,
        "A quoted cell holds lines that look like rows: two stray quotes have swallowed them.",
        'Write the quotes that are meant twice (""), and delete the others. If the cell is right, use NDJSON or XLSX.',
    ),
    "row_cut": Reason(
        Status.INVALID,
        "A line break without quotes around the value has cut the row in two; neither half is sent.",
        "Put the value into quotes, or take the line break out of it.",
    ),
    "space_before_quote": Reason(
        Status.INVALID,
        "A space stands before an opening quote, so that the quotes would become part of the value.",
        "Delete the space.",
    ),
    "wrong_type": Reason(
        Status.INVALID,
        "The value is not of the type the column needs.",
        "Correct the cell. For a key or a member, the header can say the type: NAME:str.",
    ),
    "number_not_exact": Reason(
        Status.INVALID,
        "The number cannot be carried exactly.",
        "Use fewer digits, or send it as text with NAME:str.",
    ),
    "wrong_notation": Reason(
        Status.INVALID,
        "The cell is not written as the recipe says: another form of number or date, or a text that its map lacks.",
        "Correct the cell, or the column's `decimal`, `thousands`, `date` or `map` in the recipe.",
    ),
    "not_allowed": Reason(
        Status.INVALID,
        "The value is not one of those the attribute takes.",
        "Use a listed value. Others that the API takes: name the column `attributes.NAME`, or `NAME:str` if described.",
    ),
    "header_impossible": Reason(
        Status.INVALID,
        "The API takes a value in a header, and no header can hold the one of this row; nothing was sent.",
        "The message names the header. Such values are keys of the record, and what its reply called its version.",
    ),
    "bad_json": Reason(Status.INVALID, "The text is not strict JSON.", "Correct it; the message says where it breaks."),
    "bad_shape": Reason(
        Status.INVALID,
        "The line is no update: no flat object; nor, where the API takes them, a resource or a document of JSON:API.",
        "Compare it with the shapes in the documentation.",
    ),
    "cell_error": Reason(
        Status.INVALID,
        "A cell of the workbook holds an error, such as #N/A: its formula found no value.",
        "Correct the formula or what it looks up, or write the value itself, or empty the cell.",
    ),
    "value_hidden": Reason(
        Status.INVALID,
        "The row comes from a report that does not show its private values.",
        "Apply `failed.csv` of that run, or the sheet itself: they have the values.",
    ),
    "formula_not_calculated": Reason(
        Status.INVALID,
        "A cell of the workbook has a formula without a result, or the workbook says that its results are stale.",
        "Open the workbook in a spreadsheet program, save it, and apply it again.",
    ),
    "date_impossible": Reason(
        Status.INVALID,
        "A cell of the workbook is shown as a date or a time, but its number is none.",
        "Write the date that is meant, or choose another number format for the cell.",
    ),
    "record_too_long": Reason(
        Status.INVALID, "The record is longer than 16 MiB.", "Look for a missing line end; no update is that large."
    ),
    "clear_not_allowed": Reason(
        Status.INVALID,
        "This cell cannot be cleared: it names the record or a trigger, lists tags, or its field always has a value.",
        "Leave the cell empty, or remove the row.",
    ),
    "trigger_not_allowed": Reason(
        Status.INVALID,
        "The row fires a trigger: a field that makes something happen, and can seldom be taken back.",
        "If that is meant, pass --allow-trigger NAME.",
    ),
    "trigger_false": Reason(
        Status.INVALID, "A trigger can only be true: false does not undo it.", "Leave the cell empty instead."
    ),
    "needs_metadata_replace": Reason(
        Status.INVALID,
        "A blind run cannot merge: the API replaces such an object as a whole, and keys not named would be wiped.",
        "Leave out --blind, or pass --metadata replace if that is meant.",
    ),
    "set_not_read": Reason(
        Status.INVALID,
        "A blind run does not know the elements of a set: to add or remove one, the others would be wiped.",
        "Leave out --blind, or write the whole list into the column of the set itself.",
    ),
    "tag_invalid": Reason(
        Status.INVALID,
        "The API would silently discard these tags: a name is 1-25 letters, digits, `_` or `-`; at most 10 a record.",
        "Correct the names.",
    ),
    "element_twice": Reason(
        Status.INVALID,
        "The row adds an element to a set, and removes it from the same set.",
        "Drop it from one of the two columns.",
    ),
    "relationship_malformed": Reason(
        Status.INVALID,
        "The cell does not name the record(s) to link: it needs an id, or `type/id` where several types fit.",
        "Write the id, or type/id; separate several with commas where the relationship takes many.",
    ),
    # skipped: nothing to do
    "already_done": Reason(Status.SKIPPED, "An earlier run has done this row: its `__status` says so."),
    "beyond_limit": Reason(Status.SKIPPED, "The row lies beyond --limit.", "Resume the run with a larger --limit."),
    "comment": Reason(Status.SKIPPED, "The id begins with `#`: a comment."),
    "empty_row": Reason(Status.SKIPPED, "Every cell of the row is empty."),
    "filtered": Reason(Status.SKIPPED, "The recipe's `[filter]` leaves the row out."),
    "hidden": Reason(Status.SKIPPED, "The spreadsheet does not show the row, and --visible-only leaves it out."),
    "nothing_to_change": Reason(Status.SKIPPED, "The row names a record and nothing to change."),
    "not_tried": Reason(
        Status.SKIPPED, "A probe did not need this write, or was told not to make it; nothing was sent."
    ),
    "superseded": Reason(
        Status.SKIPPED,
        "Later rows of the same record have set all of it already; this older one would overwrite them.",
        "If the older values are wanted after all, apply them in a sheet of their own.",
    ),
    "quarantined": Reason(
        Status.SKIPPED,
        "The row has failed in the same way for several nights, and is set aside.",
        "Correct the row or the record: it is tried again once either changes, and every few nights anyway.",
    ),
    "drifted": Reason(
        Status.SKIPPED,
        "Somebody has changed the named fields since the last agreement; the sheet has not, so they were left alone.",
        'Bring the sheet in line with the record, or let the recipe say `drift = "overwrite"` for these columns.',
    ),
    "kept": Reason(
        Status.SKIPPED,
        'The named fields hold what somebody else has set, and the recipe says `drift = "keep"`: they were left alone.',
    ),
    "undone": Reason(
        Status.SKIPPED,
        "An undo has put back what the named fields held before; the sheet has not changed since, so they were left.",
        "Nothing, or change the sheet: then it is sent again.",
    ),
    # rejected: the API said no, finally
    "bad_request": Reason(Status.REJECTED, "The API could not make sense of the request.", "Read the message."),
    "not_authorized": Reason(
        Status.REJECTED, "The credential may not update this record.", "Use a credential with that permission."
    ),
    "not_found": Reason(
        Status.REJECTED,
        "No such record: it is missing, or outside what the credential may see.",
        "Check the id (upper and lower case matter), the type and the account.",
    ),
    "reference_not_found": Reason(
        Status.REJECTED,
        "No record of this type has the value that the row names it by, or the credential may not see it.",
        "Check the value (upper and lower case and spaces matter), the type and the account.",
    ),
    "reference_ambiguous": Reason(
        Status.REJECTED,
        "More than one record has the value that the row names it by, so which one is meant is open; nothing was sent.",
        "Name the record by its id: a sheet with a column `id` instead.",
    ),
    "not_updatable": Reason(
        Status.REJECTED, "The API does not update records of this type.", "Check --type or the `type` column."
    ),
    "not_unique": Reason(
        Status.REJECTED,
        "The API reports a conflict (409): another record has a value that must be unique, or this one was changed.",
        "Read the message. Change the field that must be unique; or retry, if the record was only changed meanwhile.",
    ),
    "validation": Reason(
        Status.REJECTED,
        "The API refused these values.",
        "Correct the cells in the failed file, then apply that.",
    ),
    "locked": Reason(Status.REJECTED, "The record is locked.", "Unlock it, then retry."),
    "redirected": Reason(
        Status.REJECTED,
        "The server answered with a redirect, which is never followed: it could send data and token elsewhere.",
        "Check --url against the place that the message names.",
    ),
    "refused": Reason(
        Status.REJECTED, "The server refused the request with an unexpected status.", "Read the message."
    ),
    "tags_discarded": Reason(
        Status.REJECTED,
        "The API accepted the request but silently discarded the named tags; the rest of the row was applied.",
        "Create the tags first, or correct their names.",
    ),
    # failed: not applied, for a passing reason, and the attempts are used up
    "unreachable": Reason(
        Status.FAILED, "The server could not be reached; nothing was sent.", "Check --url and the network, then retry."
    ),
    "throttled": Reason(
        Status.FAILED, "The server kept asking to slow down; the row was not processed.", "Retry later."
    ),
    "busy": Reason(
        Status.FAILED,
        "The API refused the update for a passing reason, however often it was sent; it was not applied.",
        "Retry later.",
    ),
    "lookup_failed": Reason(
        Status.FAILED,
        "The record could not be read, so the row was not sent.",
        "If the server did not answer, retry later. Else see whether the credential may read these records.",
    ),
    "not_as_described": Reason(
        Status.FAILED,
        "The record holds something else than the description of the API says, so nothing was sent.",
        "Correct the description (the message says where), then apply the failed file.",
    ),
    "no_version": Reason(
        Status.FAILED,
        "The record does not show what its update has to be conditional on, so nothing was sent.",
        "Correct `precondition` in the description (the message names the place), then apply the failed file.",
    ),
    "not_applied": Reason(  # journals of version 0.1 hold it: an old value in a read proves nothing
        Status.FAILED,
        "An attempt left without a trustworthy reply, and the record did not show it a moment later.",
        "Look at the record: the update may have landed since. A retry reads it first.",
    ),
    # conflict: the record is not what it was when the row was planned
    "changed_since_plan": Reason(
        Status.CONFLICT,
        "The record has changed since it was planned, so nothing was sent.",
        "Look at the named fields. To put the row's values over what is there now, apply the failed file.",
    ),
    "precondition_failed": Reason(
        Status.CONFLICT,
        "The API says that the record is no longer as the update expects it (412, or a conflict of versions).",
        "Look at the record; if the row is still wanted, apply the failed file.",
    ),
    "overtaken": Reason(
        Status.CONFLICT,
        "Later rows of the same record have set a part of it already, without which the rest cannot be sent.",
        "Look at the record; what is still wanted of the row, apply in a sheet of its own.",
    ),
    "both_changed": Reason(
        Status.CONFLICT,
        "The sheet and somebody else have both changed the named fields since the last agreement; they were not sent."
        " Other fields of the row may have been: the message says so.",
        "Decide which value counts: correct the sheet to what the record holds, or the record to what the sheet says.",
    ),
    "key_moved": Reason(
        Status.CONFLICT,
        "The key of the row now names another record than at the last agreement; nothing was sent.",
        "See which of the two records is meant, and correct the key in the sheet or on the record.",
    ),
    # unknown: may have been applied
    "reply_lost": Reason(
        Status.UNKNOWN,
        "The request left, and the connection broke before a reply came.",
        _MAY_LAND,
    ),
    "timed_out": Reason(
        Status.UNKNOWN,
        "The request left, and no reply came in time; it may still land.",
        _MAY_LAND,
    ),
    "reply_garbled": Reason(
        Status.UNKNOWN,
        "The request left, and the reply cannot be trusted.",
        _MAY_LAND,
    ),
    "reply_mismatch": Reason(
        Status.UNKNOWN,
        "A success came back, but not about this record: another id, another type, or no JSON.",
        "Check --url: a proxy or a portal may be answering. Then look at the record, and retry.",
    ),
    "server_error": Reason(
        Status.UNKNOWN,
        "The server failed while it worked on the request.",
        _MAY_LAND,
    ),
    "accepted": Reason(
        Status.UNKNOWN,
        "The API accepted the update for later (202), and the record did not show it in time.",
        "Look at the record later: the update may still land.",
    ),
    "not_taken": Reason(
        Status.UNKNOWN,
        "The API confirmed the update, but the record keeps the old value.",
        "Look at the record: the value may appear later, or the API may not store it for this record.",
    ),
    KEPT_FORM: Reason(
        Status.UNKNOWN,
        "The API confirmed the update, but the record holds the same words as before, in other capitals or with other"
        " blanks.",
        "Look at one of these records: the API may store such texts in its own form. A night does not send them again.",
    ),
    "errors_in_success": Reason(
        Status.UNKNOWN,
        "A success came back with errors in it, and the record does not show the whole update.",
        "Read the message, then look at the record.",
    ),
    "interrupted": Reason(
        Status.UNKNOWN,
        "The run stopped after the request had left and before its result was recorded.",
        "Resume the run: a row that is safe to repeat is sent again.",
    ),
    "resend_refused": Reason(
        Status.UNKNOWN,
        "An earlier run could not tell whether this row was applied, and its trigger or tags must not be sent twice.",
        "Read the record; if it was not applied, pass --resend-unknown.",
    ),
    # pending: the run did not get to it
    "not_reached": Reason(Status.PENDING, "The run stopped before this row.", "Resume the run."),
    "after_unknown": Reason(
        Status.PENDING,
        "An earlier row of the same record is unknown, so this one was held back to keep their order.",
        "Settle the earlier row, then retry.",
    ),
}
