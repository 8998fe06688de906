"""Print the result of `verify`."""

from pathlib import Path
from typing import Final

from jobs.printable import printable
from jobs.texts import counted
from worker.engine.verifier import Verified
from worker.operations.verify import REPORT

_SAID: Final = {
    "holds": ("still holds what the run wrote", "still hold what the run wrote"),
    "differs": ("differs: somebody has changed it since", "differ: somebody has changed them since"),
    "not taken": (
        "does not show all of an update that was in doubt: it was not applied, or in part, or not yet",
        "do not show all of an update that was in doubt: it was not applied, or in part, or not yet",
    ),
    "gone": ("is gone", "are gone"),
    "not readable": ("could not be read", "could not be read"),
}
"""The words for one record, and for several."""


def tell_verified(verified: Verified, directory: Path) -> str:
    """Render the counts of a verification, with the file that lists the differences."""
    counts = verified.counts
    total = sum(counts.values())
    if not total and not verified.hidden:
        return "The run wrote nothing: there is nothing to verify."
    lines = [f"{counted(total, 'record')} read again" + (":" if total else ".")]
    lines += [f"  {counts[name]:,} {said[counts[name] > 1]}" for name, said in _SAID.items() if counts[name]]
    if verified.hidden:
        names = ", ".join(f"{printable(name)} ({count:,})" for name, count in verified.hidden.items())
        lines.append(f"Not verified, since the API does not show it: {names}.")
    if verified.is_different:
        lines.append(f"What differs: {printable(str(directory))}/{REPORT}")
    return "\n".join(lines)
