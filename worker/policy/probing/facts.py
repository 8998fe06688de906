"""What a probe found, each fact beside what the description says."""

from collections.abc import Iterable
from dataclasses import field

from jobs.names import Steps
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Note:
    """A value that the description should have.

    Attributes:
        place: of the key, from the description as a whole: `("resources", "tickets", "record")`.
        value: to stand there.
    """

    place: Steps
    value: object


@valueclass(frozen=True, slots=True)
class Fact:
    """One thing that a probe found.

    Attributes:
        name: of what was looked at.
        says: what the description says of it; empty for nothing.
        found: what the API does.
        seen: how that was seen.
        contradicts: the API does something else than the description says.
        notes: what the description should say.
        hints: what a person has to decide: comments for the description.
    """

    name: str
    says: str
    found: str
    seen: str
    contradicts: bool = False
    notes: tuple[Note, ...] = field(default=())
    hints: tuple[str, ...] = field(default=())

    def document(self) -> dict[str, object]:
        """Return the fact as JSON."""
        return {
            "fact": self.name,
            "says": self.says,
            "found": self.found,
            "seen": self.seen,
            "contradicts": self.contradicts,
        }


def contradictions(facts: Iterable[Fact]) -> int:
    """Count the facts that contradict the description."""
    return sum(fact.contradicts for fact in facts)
