"""The list has a line for each type of records, as it can be chosen."""

from jobs.apis.openapi.index import index
from tests.jobs.apis.openapi.kit import TEXT, found, obj, operation


def test_the_list_is_a_table_of_names_methods_and_paths() -> None:
    update = operation(obj(a=TEXT))
    paths = {
        "/tickets/{id}": {"patch": {**update, "summary": "Update\na ticket"}},
        "/x/{id}": {"put": update},
        f"/{'long' * 20}/{{id}}": {"put": update},
    }
    assert index(found(paths)) == (
        "tickets                                   PATCH  /tickets/{id}  Update a ticket\n"
        "x                                         PUT    /x/{id}\n"
        f"{'long' * 20}  PUT    /{'long' * 20}/{{id}}"
    )


def test_of_nothing_there_is_no_line() -> None:
    assert index([]) == ""
