"""Which fields a recipe means: by which paths edits know them, and of which of them nobody is shown a value."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from jobs.changes.paths import place_of
from jobs.columns import HIDDEN, Rules
from jobs.columns.grammar import base_of
from jobs.model import JSON, Absent, Edit, Path, Unread
from jobs.names import steps_of
from jobs.recipe.columns import ViewedColumns
from jobs.recipe.view import taken_by
from jobs.recipe.view_model import ViewRecipe
from jobs.values import valueclass

_HOLDERS: Final = frozenset({"attributes", "relationships"})
"""What the name of a column may begin with, and what holds all fields."""


@valueclass(frozen=True, slots=True)
class Private:
    """The fields of which nobody is shown a value.

    Attributes:
        columns: their names in the sheet, where it has names of its own. `paths`: as edits know them.
    """

    columns: frozenset[str] = frozenset()
    paths: frozenset[Path] = frozenset()

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.paths)

    def covers(self, name: str) -> bool:
        """Return whether a column of any sheet, by its name, is about such a field, a part of one, or one around it."""
        return name in self.columns or any(_is_related(_steps(name), _steps_of(path)) for path in self.paths)

    def concealed(self, edit: Edit) -> Edit:
        """Return an edit without its values if it is about such a field, a part of one, or an object around one."""
        place = place_of(edit.path)
        for path in self.paths:
            private = place_of(path)
            if place[: len(private)] == private:  # a tag, or an element of a set, is a value itself
                tail = (HIDDEN,) if len(place) > len(private) else ()
                return _concealed(replace(edit, path=(*path, *tail)))
            if private[: len(place)] == place:
                return _concealed(edit)
        return edit


NOTHING_PRIVATE: Final = Private()


def field_paths(recipe: ViewRecipe, rules: Rules) -> Mapping[str, Path]:
    """Return the paths by which edits know the fields of a recipe that names its columns, by their names in it.

    Args:
        recipe: the view.
        rules: say what the names mean, for rows of their type.
    """
    header = dict.fromkeys([*(each.source for each in taken_by(recipe)), *recipe.filter, *recipe.ignore])
    about = ViewedColumns(recipe, list(header), rules).about(rules.type)
    return {name: _path(path, rules) for name, path in about.items()}


def private_of(recipe: ViewRecipe, rules: Rules) -> Private:
    """Return the private fields of a recipe, for rows of the type that the rules name."""
    if not recipe.private:
        return NOTHING_PRIVATE
    paths = field_paths(recipe, rules)
    return Private(frozenset(recipe.private.values()), frozenset(paths[name] for name in recipe.private))


def _path(about: tuple[str, ...], rules: Rules) -> Path:
    """Return the path by which edits know what a column is about; that of all elements for a column of some."""
    name, *rest = about
    if rules.schema.grammar == "attributes":
        if name == "tags" and rest:
            return ("tags",)
        kind = rules.schema.resource_type(rules.type)
        if kind is not None and name in kind.relationships:
            return ("relationships", name)
    elif rest and rules.schema.is_set(rules.type, name):
        return ("attributes", name)
    return ("attributes", *about)


def _steps(name: str) -> Path:
    """Return the steps to what a column is about, without the suffix that says its type."""
    steps = steps_of(base_of(name))
    return steps[1:] if steps[0] in _HOLDERS else steps


def _steps_of(path: Path) -> Path:
    """Return the steps to a field that edits know by its path; tags are a field themselves."""
    return place_of(path)[1:] or path


def _is_related(one: Path, other: Path) -> bool:
    """Return whether one place is the other, or in it, or around it."""
    return all(left == right for left, right in zip(one, other, strict=False))


def _concealed(edit: Edit) -> Edit:
    after = edit.after if edit.after is None or isinstance(edit.after, Absent) else HIDDEN
    return replace(edit, before=_hidden(edit.before), after=after, stored=_hidden(edit.stored))


def _hidden(value: JSON | Absent | Unread) -> JSON | Absent | Unread:
    """Return what is shown of a value: whether there is one."""
    return value if value is None or isinstance(value, Absent | Unread) else HIDDEN
