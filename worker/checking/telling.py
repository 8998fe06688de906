"""A check in words: for people, and for programs."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from jobs.damage import WARNINGS
from jobs.formats.addresses import cell_address, letters, text_address
from jobs.model import JSON
from jobs.printable import printable
from jobs.texts import counted
from worker.checking.findings import INPUT_REFUSED, SPOTS, Checked, Finding, Group, Spot, explained

WIDTH: Final = 80
"""Columns of the terminal that the text fits into."""

_NARROWER: Final = 8
"""Columns to leave free where the last character of a text would be alone on its line."""

_SHOWN_IN_SHORT: Final = 4
"""Kinds of damage that are named before a run."""


def tell(checked: Checked, name: str, command: str, *, listed: bool = False) -> str:
    """Render the check for people: grouped, with the first places of each group and the way back.

    Args:
        checked: what was found.
        name: of the input.
        command: that the user types to check it again.
        listed: every single finding has been shown already.
    """
    parts = [list(_counts(checked, name))]
    parts += [list(_group(checked, group, places=not listed)) for group in checked.groups()]
    parts.append(list(_next(checked, command)))
    return "\n\n".join("\n".join(part) for part in parts if part)


def tell_in_short(checked: Checked, command: str) -> str:
    """Render what `apply` and `plan` warn of before they send: grave damage, and what nulls clear."""
    grave = [group for group in checked.warnings if group.grave]
    groups = sorted(grave, key=lambda group: (not WARNINGS[group.code].whole, -group.count))
    clears = [] if checked.header else _clears(checked)  # a sheet says so by a word of its own, NDJSON by null
    if not groups:
        return "\n".join(clears)
    lines = [*clears, "These cells look damaged. Cells are sent as they stand, and never repaired."]
    for group in groups[:_SHOWN_IN_SHORT]:
        lines += _wrapped(f"{_headline(group)}: {WARNINGS[group.code].meaning}", "  ", "    ")
        if WARNINGS[group.code].whole:
            lines += _wrapped(group.evidence, "    ", "    ")
        else:
            lines += [_shortened(f"    e.g. {_place(spot, checked.sheet)}") for spot in group.spots[:1]]
    if rest := len(groups) - _SHOWN_IN_SHORT:
        lines += [f"  and {rest} more"] if rest > 0 else []
    return "\n".join([*lines, f"The way back, and all places: {command}"])


def as_json(finding: Finding, sheet: str) -> Mapping[str, JSON]:
    """Return one finding for programs; the names are a contract."""
    group, spot = finding.group, finding.spot
    return {
        "kind": "finding",
        "severity": group.severity,
        "code": group.code,
        "address": _address(spot, sheet),
        "row": spot.ref.row,
        "line": spot.ref.line,
        "column": group.column,
        "value": spot.cell,
        "message": spot.message or group.evidence,
        "meaning": explained(group.code)[0],
        "action": group.action,
    }


def summary_as_json(checked: Checked) -> Mapping[str, JSON]:
    """Return the end of a check for programs; the names are a contract."""
    groups = list(checked.groups())
    return {
        "kind": "summary",
        "exit_status": checked.exit_status,
        "rows": checked.rows,
        "sendable": checked.sendable,
        "refused": checked.refused,
        "skipped": dict(checked.skipped),
        "errors": sum(group.count for group in groups if group.severity == "error"),
        "warnings": sum(group.count for group in groups if group.severity == "warning"),
        "groups": [
            {
                "severity": group.severity,
                "code": group.code,
                "column": group.column,
                "count": group.count,
                "evidence": group.evidence,
            }
            for group in groups
        ],
        "cleared": checked.cleared,
    }


def line_of(finding: Finding, sheet: str) -> str:
    """Render one finding for people, on one line."""
    group = finding.group
    about = f" [{group.column}]" if group.column else ""
    return _shortened(f"{_place(finding.spot, sheet)}: {group.severity} {group.code}{about}", 10_000)


def _counts(checked: Checked, name: str) -> Iterator[str]:
    if checked.refusals:
        yield from _wrapped(f"{name} would be refused as a whole: {counted(len(checked.refusals), 'reason')}.")
        return
    skipped = sum(checked.skipped.values())
    parts = [f"{checked.sendable:,} can be sent", f"{checked.refused:,} cannot"]
    if skipped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in checked.skipped.most_common())
        parts.append(f"{skipped:,} would be skipped ({reasons})")
    yield from _wrapped(f"{name}: {counted(checked.rows, 'row')}: {', '.join(parts)}.")
    yield from _clears(checked)
    warned = sum(group.count for group in checked.warnings)
    if warned:
        yield from _wrapped(f"{counted(warned, 'warning')}: rows with warnings are sent as they stand.")


def _clears(checked: Checked) -> list[str]:
    if not checked.cleared:
        return []
    rows = counted(checked.clearing, "row")
    return _wrapped(f"{counted(checked.cleared, 'field')} in {rows} will be cleared.")


def _group(checked: Checked, group: Group, *, places: bool) -> Iterator[str]:
    if group.code == INPUT_REFUSED:
        spot = group.spots[0]
        where = f"{_address(spot, checked.sheet)}: " if spot.position >= 0 or spot.ref.line > 1 else ""
        yield from _wrapped(f"refused: {where}{spot.message}", "", "  ", lines=6)
        return
    yield from _wrapped(f"{group.severity}: {_headline(group)}: {explained(group.code)[0]}", "", "  ")
    if group.evidence:
        yield from _wrapped(group.evidence, "  ", "  ")
    for spot in group.spots[:SPOTS] if places else ():
        yield from _wrapped(_place(spot, checked.sheet), "  ", "    ")
    if places and group.count > len(group.spots[:SPOTS]):
        yield f"  and {group.count - len(group.spots[:SPOTS]):,} more"
    if group.action:
        yield from _wrapped(group.action, "  -> ", "     ")


def _next(checked: Checked, command: str) -> Iterator[str]:
    if checked.exit_status:
        yield f"Mend the sheet, then: {command}"
    elif checked.warnings:
        yield f"Every row can be sent. After mending: {command}"
    else:
        yield "Nothing to complain about."


def _headline(group: Group) -> str:
    about = f" [{group.column}]" if group.column else ""
    return f"{group.count:,} x {group.code}{about}"


def _place(spot: Spot, sheet: str) -> str:
    """Say where a finding is, what stands there, and what is wrong with it."""
    cell = f": {visible(spot.cell)}" if spot.cell else ""
    message = spot.message
    return f"{_address(spot, sheet)}{cell}" + (f" ({message})" if message else "")


def _address(spot: Spot, sheet: str) -> str:
    """Say where a finding is; in a workbook as a formula would name the cell."""
    if sheet:
        return cell_address(sheet, max(spot.position, 0), spot.ref.line)
    if spot.position < 0:
        return f"line {spot.ref.line}"
    return text_address(spot.position, spot.ref.line, letters(spot.position))


_NAMES: Final = {
    " ": "␣", "\u00a0": "[no-break space]", "\u200b": "[zero-width space]", "\ufeff": "[byte-order mark]",
    "\u2060": "[word joiner]", "\u00ad": "[soft hyphen]", "\u202f": "[narrow space]", "\u3000": "[wide space]",
    "\t": "[tab]", "\n": "[line break]", "\r": "[line break]",
}  # fmt: skip


def visible(cell: str) -> str:
    """Name the invisible characters of a cell, and mark spaces at its edges."""
    body = cell.strip(" ")
    left = len(cell) - len(cell.lstrip(" "))
    right = len(cell) - len(body) - left
    return "␣" * left + "".join(_NAMES.get(each, each) if each != " " else each for each in body) + "␣" * right


def _wrapped(text: str, first: str = "", following: str = "  ", lines: int = 3) -> list[str]:
    """Return the text in lines of at most 80 columns, none of which is a full stop behind a word as wide as a line."""
    for width in (WIDTH, WIDTH - _NARROWER):
        wrapped = textwrap.wrap(
            printable(text), width, initial_indent=first, subsequent_indent=following, max_lines=lines,
            break_on_hyphens=False,
        )  # fmt: skip
        if wrapped and len(wrapped[-1].strip()) > 1:
            break
    return wrapped


def _shortened(text: str, most: int = WIDTH) -> str:
    line = printable(text)
    return line if len(line) <= most else line[: most - 1] + "…"
