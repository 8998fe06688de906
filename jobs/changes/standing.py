"""Whether a record already is as a row wants it, value by value, so that sending it would change nothing."""

from collections.abc import Iterable, Mapping

from jobs.apis.schema import Schema
from jobs.changes.equality import alike_absent, holds, reads_alike, same, same_at
from jobs.model import ABSENT, JSON, UNREAD, Absent, Edit, Path, Unread
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Standing:
    """How the values of one row are compared with live ones.

    Attributes:
        untyped: of the job: text that says the same as the JSON of a live value, `7` and 7, is as wanted.
        stored: what the row sent before and the API stored in another form, by path.
        schema: says which forms of a value are the same.
    """

    untyped: frozenset[tuple[str, ...]]
    stored: Mapping[Path, Edit]
    schema: Schema

    def holds(self, name: str, wanted: JSON, value: JSON) -> bool:
        """Return whether an attribute is as wanted."""
        if same(wanted, value, self.schema.declared(name)):
            return True
        return bool(self.untyped or self.stored) and self._reads(("attributes", name), wanted, value)

    def holds_key(self, name: str, key: str, wanted: JSON | Absent, value: JSON | Absent) -> bool:
        """Return whether a key of an object is as wanted."""
        if isinstance(wanted, Absent) or isinstance(value, Absent):
            return alike_absent(wanted, value, self.schema) or self._is_stored(("attributes", name, key), wanted, value)
        if same(wanted, value, self.schema.declared_in(name, key)):
            return True
        return bool(self.untyped or self.stored) and self._reads(("attributes", name, key), wanted, value)

    def _reads(self, path: Path, wanted: JSON, value: JSON) -> bool:
        return (path[1:] in self.untyped and reads_alike(wanted, value)) or self._is_stored(path, wanted, value)

    def _is_stored(self, path: Path, wanted: JSON | Absent, value: JSON | Absent) -> bool:
        edit = self.stored.get(path)
        if edit is None:
            return False
        return same_at(path, edit.after, wanted, self.schema) and holds(edit, value, self.schema)


def stored_forms(earlier: Iterable[Edit]) -> dict[Path, Edit]:
    """Return, by path, the edits whose values the API stored in a form of its own.

    An edit of a whole object, which was null before, stands for its keys too: a row names those.
    """
    found: dict[Path, Edit] = {}
    for edit in earlier:
        if isinstance(edit.stored, Unread):
            continue
        found[edit.path] = edit
        if isinstance(edit.after, Mapping) and isinstance(edit.stored, Mapping):
            for key, value in edit.after.items():
                path = (*edit.path, key)
                found.setdefault(path, Edit(path, UNREAD, value, edit.stored.get(key, ABSENT)))
    return found
