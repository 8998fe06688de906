"""The grammar of column names that name attributes: what a header says, before any resource type is known.

id  type  NAME  attributes.NAME  NAME.KEY  tags.add  tags.remove  __reserved    each of the middle ones [:suffix]
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Literal

from jobs.columns.problems import NotAColumn
from jobs.names import steps_of
from jobs.values import valueclass

HIDDEN: Final = "(private)"
"""What reports say in place of a value that nobody is shown."""

RESERVED: Final = (
    "__status",
    "__reason",
    "__message",
    "__field",
    "__row",
    "__line",
    "__http",
    "__attempts",
    "__request_id",
    "__at",
)
"""The columns that a results file puts before the user's own: ignored, but for what they say about an earlier run."""

_ALL_RESERVED: Final = frozenset(RESERVED)

SUFFIXES: Final = ("int", "float", "bool", "json", "str")

Suffix = Literal["", "int", "float", "bool", "json", "str"]
Form = Literal["id", "target", "type", "reserved", "tags", "attribute", "member", "bare", "key", "field"]

NO_VALUES: Final[frozenset[Form]] = frozenset({"id", "target", "key", "type", "reserved"})
"""Forms of columns whose cells do not go into the update."""

_MEANT: Final[dict[str, Suffix]] = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "json": "json",
    "str": "str",
    "integer": "int",
    "number": "float",
    "double": "float",
    "decimal": "float",
    "boolean": "bool",
    "string": "str",
    "text": "str",
    "date": "str",
    "datetime": "str",
    "object": "json",
    "array": "json",
}
"""What somebody means who writes another word for a type, or the right one with a space or in capitals."""

_TAGS: Final = {"tags.add": "add", "tags.remove": "remove"}
_TAG_TRIGGERS: Final = {"_add_tags": "add", "_remove_tags": "remove"}


@valueclass(frozen=True, slots=True)
class Heading:
    """A column name, taken apart.

    Attributes:
        label: the name as the user wrote it.
        form: `target` is the reference of a sheet without ids: it says which record is meant. Where columns name
            members of a body, a variable of the record's path is a `key`, and any member a `field`.
        name: attribute or relationship that is meant; for tags, `tags`; the variable; the field's canonical name.
        key: member of the attribute (the empty text is a key too), or `add` / `remove` for tags.
    """

    label: str
    form: Form
    name: str
    key: str = ""
    suffix: Suffix = ""

    @property
    def path(self) -> tuple[str, ...]:
        """What the column is about, however it is spelt: equal for two columns that say the same thing."""
        if self.form == "field":
            return steps_of(self.name)
        if self.form == "key":
            return "", self.name  # no field is called like that: a variable may share its name with one
        if self.name in _TAG_TRIGGERS:
            return "tags", _TAG_TRIGGERS[self.name]
        return (self.name, self.key) if self.form in {"member", "tags"} else (self.name,)


def parse_heading(label: str) -> Heading:
    """Take a column name apart.

    Raises:
        NotAColumn: the name follows no rule. Whether a resource type has such an attribute is not looked at here.
    """
    if label.startswith("__"):
        return reserved(label)
    base, suffix = split_suffix(label)
    if base in {"id", "type"} or base in _TAGS:
        if suffix:
            raise NotAColumn(f"`{base}` takes no `:{suffix}`")
        if base in _TAGS:
            return Heading(label, "tags", "tags", _TAGS[base])
        return Heading(label, "id" if base == "id" else "type", base)
    name, dot, key = base.partition(".")
    if not dot:
        return Heading(label, "bare", name, "", suffix)
    if name == "attributes":
        return _attribute(label, key, suffix)
    return _member(label, name, key, suffix)


def is_results_file(header: Iterable[str]) -> bool:
    """Return whether a report wrote the sheet; apostrophes guard its cells then.

    One of its columns is enough: who wants every row sent again takes `__status` out, and the guards stay in.
    """
    return not _ALL_RESERVED.isdisjoint(header)


def targeted(headings: Sequence[Heading]) -> list[Heading]:
    """Let `reference` say which record is meant, in a sheet that has no column `id`."""
    if any(heading.form == "id" for heading in headings):
        return list(headings)
    return [replace(each, form="target") if _is_reference(each) else each for each in headings]


def _is_reference(heading: Heading) -> bool:
    return heading.form == "bare" and heading.name == "reference" and heading.suffix in {"", "str"}


def refuse_overlaps(headings: Iterable[Heading]) -> None:
    """Check that no two columns are about the same thing.

    Raises:
        NotAColumn: two columns have the same path, or one sets an object of which another sets a member.
    """
    refuse_same((heading.path, heading.label) for heading in headings)


def refuse_same(paths: Iterable[tuple[tuple[str, ...], str]]) -> None:
    """Check what columns are about, each with the name of its column.

    Raises:
        NotAColumn: as `refuse_overlaps`.
    """
    seen: dict[tuple[str, ...], str] = {}
    for path, label in paths:
        if (same := seen.setdefault(path, label)) != label:
            raise NotAColumn(f"`{same}` and `{label}` mean the same: keep one of them", "bad_shape")
    for path, label in seen.items():
        for length in range(1, len(path)):
            if whole := seen.get(path[:length]):
                raise NotAColumn(f"`{whole}` sets the whole, `{label}` a part of it: keep one of them", "bad_shape")


def reserved(label: str) -> Heading:
    """Parse a name that begins with `__`.

    Raises:
        NotAColumn: it is none of a results file.
    """
    if label not in RESERVED:
        raise NotAColumn(f"names that begin with `__` are reserved, and `{label}` is none of {', '.join(RESERVED)}")
    return Heading(label, "reserved", label)


def split_suffix(label: str) -> tuple[str, Suffix]:
    """Return the name without its suffix, and the suffix, empty for none.

    Raises:
        NotAColumn: the suffix is another word for a type.
    """
    base, _, last = label.rpartition(":")
    for suffix in SUFFIXES:
        if last == suffix and base:
            return base, suffix
    meant = _MEANT.get(last.strip().lower())
    if meant and base:
        raise NotAColumn(
            f"`{label}`: there is no type `:{last}`; did you mean `{base}:{meant}`? "
            f"If the name really ends like that, write `{label}:str`"
        )
    return label, ""


def _attribute(label: str, name: str, suffix: Suffix) -> Heading:
    if name in {"", "id", "type"}:
        raise NotAColumn(f"`{label}` names no attribute")
    if "." in name:
        raise NotAColumn(f"`{label}`: an attribute's name has no dot; a member of one is written `{name}`")
    return Heading(label, "attribute", name, "", suffix)


def _member(label: str, name: str, key: str, suffix: Suffix) -> Heading:
    """Parse the name of a member. `metadata.:str` means the empty key: nobody types that suffix by mistake."""
    if not (name and (key or (suffix and name == "metadata"))):
        raise NotAColumn(f"`{label}` is not complete: the name of an attribute, a dot, the name of a member")
    if "." in key and name != "metadata":
        raise NotAColumn(f"`{label}` reaches too deep: write all of `{name}` as one JSON cell")
    return Heading(label, "member", name, key, suffix)


def base_of(name: str) -> str:
    """Return the name of a column without the suffix that says its type."""
    base, _, suffix = name.rpartition(":")
    return base if base and suffix in SUFFIXES else name
