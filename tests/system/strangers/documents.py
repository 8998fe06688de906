"""Documents that vendors have published, and the types of records in them that are updated."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar, mock
from tests.system.strangers.plausible import Schema

DESCRIBED: Final = Path("jobs/apis/descriptions").resolve()
OURS: Final = Path(__file__).with_name("descriptions")

Json = Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of records.

    Attributes:
        name: in the description.
        operation: path and method in the document.
        key: the columns that name a record, from the name of the run and the place of the row; all differ.
        place: member of a body and of a record that holds the fields; empty: the whole.
        sets: of fields with single elements, those that the example shows.
        shown: by field, how to take its value from a record; one that is not listed stands under its name.
        unseen: fields that no record shows.
        is_whole: an update sends all fields.
    """

    name: str
    operation: tuple[str, str]
    key: Callable[[str, int], dict[str, str]]
    place: str = ""
    sets: Mapping[str, list[str]] = field(default_factory=dict)
    shown: Mapping[str, Callable[[Json], Json]] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    is_whole: bool = False

    def steps(self, key: Mapping[str, str]) -> tuple[str, ...]:
        """Return the segments of a record's path."""
        values = iter(key.values())
        return tuple(next(values) if each.startswith("{") else each for each in self.operation[0].split("/")[1:])

    def shows(self, record: Json, name: str) -> Json:
        """Return what a record shows of a field."""
        record = record.get(self.place, {}) if self.place else record
        return self.shown.get(name, lambda found: found.get(name))(record)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor with a published document.

    Attributes:
        package: name and version on npm.
        file: of the document in the package.
        media_type: that clients are told to ask for.
        credential: name and value of the variable that holds it.
        authorization: the header that is made of it.
    """

    name: str
    package: str
    file: str
    description: Path
    kinds: tuple[Kind, ...]
    credential: tuple[str, str]
    authorization: str
    media_type: str = mock.JSON

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the program."""
        return dict([self.credential])

    def document(self) -> dict[str, Any]:
        """Return the document as it was published."""
        place = cellar.node(self.name, (self.package,)) / "node_modules" / self.package.rpartition("@")[0]
        found: dict[str, Any] = json.loads((place / self.file).read_text(encoding="utf-8"))
        return found


def _inner(outer: str, name: str) -> Callable[[Json], Json]:
    return lambda record: (record.get(outer) or {}).get(name)


def _each(outer: str, name: str) -> Callable[[Json], Json]:
    return lambda record: [each[name] for each in record.get(outer, ())]


def _repository(run: str, place: int) -> dict[str, str]:
    names = ("shop-{}", ".github{}", "a.b_c-{}", "Zürich {}", "a/b{}", "100%{}?x=1#y")
    return {"owner": run, "repo": names[place % len(names)].format(place), "number": "1347"}


GITHUB: Final = Vendor(
    "github",
    "@octokit/openapi@23.0.2",
    "generated/api.github.com.json",
    DESCRIBED / "github.toml",
    (
        Kind(
            "issues",
            ("/repos/{owner}/{repo}/issues/{issue_number}", "patch"),
            _repository,
            sets={"labels": ["bug"], "assignees": ["octocat"]},
            shown={
                "labels": _each("labels", "name"),
                "assignees": _each("assignees", "login"),
                "assignee": _inner("assignee", "login"),
                "milestone": _inner("milestone", "number"),
                "type": _inner("type", "name"),
            },
            unseen=frozenset({"duplicate_issue_id", "issue_field_values"}),
        ),
        Kind(
            "pulls",
            ("/repos/{owner}/{repo}/pulls/{pull_number}", "patch"),
            _repository,
            shown={"base": _inner("base", "ref")},
        ),
    ),
    ("ROWPATCH_TOKEN", "made-up"),
    "Bearer made-up",
    "application/vnd.github+json",
)


def _login(run: str, place: int) -> dict[str, str]:
    return {"user": f"{run}+{place}@example.com"}


OKTA: Final = Vendor(
    "okta",
    "@okta/openapi@2.15.0",
    "dist/spec.json",
    OURS / "okta.toml",
    (
        Kind(
            "users",
            ("/api/v1/users/{userId}", "post"),
            _login,
            place="profile",
        ),
        Kind(
            "whole_users",
            ("/api/v1/users/{userId}", "put"),
            _login,
            place="profile",
            is_whole=True,
        ),
    ),
    ("ROWPATCH_API_KEY", "made-up"),
    "SSWS made-up",
)


def properties(document: Mapping[str, Any], kind: Kind) -> dict[str, Schema]:
    """Return the properties that an update may hold, without references, as they were published."""
    path, method = kind.operation
    operation = document["paths"][path][method]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"][mock.JSON]["schema"]
    else:  # Swagger 2.0
        schema = next(each["schema"] for each in operation["parameters"] if each["in"] == "body")
    schema = _resolved(document, schema)
    if kind.place:
        schema = _resolved(document, schema["properties"][kind.place])
    found: dict[str, Schema] = json.loads(json.dumps(schema["properties"]))
    return found


def media_types(document: Mapping[str, Any], kind: Kind) -> frozenset[str]:
    path, method = kind.operation
    operation = document["paths"][path][method]
    return frozenset(operation.get("requestBody", {}).get("content", operation.get("consumes", ())))


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema
