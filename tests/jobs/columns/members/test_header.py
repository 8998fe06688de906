import pytest

from jobs.apis.described.schema import schema_of
from jobs.columns import Rules, SheetColumns, header_faults
from tests.schemas import DESCRIBED, DESK


def faults(header: list[str], kind: str = "tickets") -> list[tuple[str, str]]:
    return [(fault.message, fault.column) for fault in header_faults(header, Rules(DESK, kind))]


@pytest.mark.parametrize(
    ("kind", "header", "says", "column"),
    [
        (
            "tickets",
            ["subject"],
            "A column `external_id` or `email` will do too: the records are then looked up by it",
            "",
        ),
        ("tickets", ["ID", "subject"], "(there is 'ID'; did you mean `id`?)", "ID"),
        ("tickets", [" id", "subject"], "(there is ' id'; did you mean `id`?)", " id"),
        ("tickets", ["external_id", "email", "x"], "keep one of them, or add a column `id`", ""),
        (
            "issues",
            ["x"],
            "there are no columns `repo` and `number`: each row must say which record it updates. For what is the",
            "",
        ),
        ("issues", ["number", "x"], "If it is the same for all rows, pass --set repo=VALUE", ""),
        ("issues", ["repo", "nubmer", "x"], "there is no column `number`", "nubmer"),
        ("people", ["x"], "there is no column `email`: each row must say which record it updates", ""),
        ("boats", ["id", "x"], "there is no resource type `boats`. There are `issues`, `people`, `tickets`", ""),
    ],
)
def test_a_header_must_name_the_records(kind: str, header: list[str], says: str, column: str) -> None:
    ((message, where),) = faults(header, kind)
    assert says in message
    assert where == column


def test_every_fault_of_a_header_is_told_at_once() -> None:
    found = faults(["a..b", "subject", "/subject", "url", "prioritty"])
    assert [column for _, column in found] == ["a..b", "", "url", "prioritty", ""]
    assert "mean the same" in found[-1][0]


def test_a_header_of_rows_that_name_their_resources_is_right_for_one_of_them() -> None:
    assert not list(header_faults(["type", "repo", "number", "x"], Rules(DESK)))
    (fault,) = header_faults(["repo", "number", "x"], Rules(DESK))
    assert fault.message == "the resource is not known: pass --type TYPE, or add a column `type`"
    assert not list(header_faults(["type", "id", "url"], Rules(DESK)))  # issues and people may have one


def test_a_variable_of_the_address_needs_a_value() -> None:
    path = DESCRIBED.model_copy(update={"base_url": "https://x/{owner}"})
    schema = schema_of(path, {})
    (fault,) = header_faults(["repo", "number", "x"], Rules(schema, "issues"))
    assert fault.message == "`owner` is a part of the API's address and has no value: pass --set owner=VALUE"


def test_a_column_has_a_role_by_what_goes_into_it() -> None:
    header = ["id", "subject", "x:str", "priority", "level", "count", "due", "tags.add", "solved", "blob", "__row"]
    found = {each.label: each.role for each in SheetColumns(header, Rules(DESK, "tickets")).described()}
    assert found == {
        "id": "id", "subject": "untyped", "x:str": "text", "priority": "other", "level": "other", "count": "number",
        "due": "date", "tags.add": "other", "solved": "other", "blob": "other",
    }  # fmt: skip
    mixed = SheetColumns(["type", "id", "repo", "number", "url"], Rules(DESK)).described()
    assert [each.role for each in mixed] == ["other", "id", "id", "id", "untyped"]
