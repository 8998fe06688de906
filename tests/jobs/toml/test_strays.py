"""A key that stands where it does not belong is sent to where it does."""

import pytest

from jobs.apis.description.loading import examine

LEAST = 'name = "x"\n[resources.t]\npath = "/t/{id}"\n'


def found(text: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.key, each.text) for each in examine(text).problems]


@pytest.mark.parametrize(
    ("below", "key", "says"),
    [
        (
            "idempotency_key = 'X'",
            "idempotency_key",
            "it is a key of the API as a whole: move it above the first table",
        ),
        ("base_url = 'https://x'", "base_url", "it is a key of the API as a whole: move it above the first table"),
        ("limts = []", "limts", "there is no such key; did you mean `limits`?"),
        ("method = 'PUT'", "method", "it is a key of `update`"),
        ("xyzzy = 1", "xyzzy", "there is no such key; here are: path, record, values,"),
    ],
)
def test_a_key_that_the_resource_swallowed_is_told_where_to_go(below: str, key: str, says: str) -> None:
    ((line, where, text),) = found(f"{LEAST}{below}\n")
    assert (line, where) == (4, f"resources.t.{key}")
    assert text.startswith(says)


def test_the_first_table_is_named() -> None:
    ((_, _, text),) = found(f"{LEAST}settle_s = 1\n[auth]\nlimits = []\n")
    assert text == "it is a key of the API as a whole: move it above the first table, `[resources.t]`"


def test_a_key_of_the_resource_that_a_table_in_it_swallowed_goes_above_that() -> None:
    text = f"{LEAST}[resources.t.read_many]\npath = '/t?ids={{ids}}'\nprecondition = {{}}\n"
    ((line, key, says),) = found(text)
    assert (line, key) == (6, "resources.t.read_many.precondition")
    assert says == "it is a key of `resources.t`: move it above `[resources.t.read_many]`"


def test_a_key_in_braces_goes_out_of_them() -> None:
    ((_, _, says),) = found(f"auth = {{ limits = [] }}\n{LEAST}")
    assert says == "it is a key of the API as a whole: move it out of `auth`"
    ((_, _, says),) = found(f"{LEAST}update = {{ find = {{}} }}\n")
    assert says == "it is a key of `resources.t`: move it out of `resources.t.update`"
    ((_, _, says),) = found(f"{LEAST}update = {{ base_url = '' }}\n")
    assert says == "it is a key of the API as a whole: move it above the first table, `[resources.t]`"


@pytest.mark.parametrize("key", ["token", "password", "client_secret", "api_key"])
def test_a_credential_is_sent_to_the_environment(key: str) -> None:
    ((_, _, says),) = found(f"{LEAST}[auth]\n{key} = 'hunter2'\n")
    assert says.startswith("no credential stands in a description")
    assert "hunter2" not in says


def test_a_table_with_free_keys_swallows_silently_but_is_found_out() -> None:
    text = "name = 'x'\n[variables]\nhost = 'x'\nbase_url = 'https://{host}'\n[resources.t]\npath = '/{id}'\n"
    errors = [each for each in examine(text).problems if not each.is_warning]
    assert [(each.line, each.key, each.text) for each in errors] == [
        (4, "variables.base_url", "it is a key of the API as a whole: move it above the first table, `[variables]`")
    ]


def test_a_missing_key_that_a_table_swallowed_is_found_there() -> None:
    text = "name = 'x'\n[resources.t]\n[resources.t.headers]\npath = '/{id}'\n"
    assert [(line, key) for line, key, _ in found(text)] == [
        (2, "resources.t.path"),
        (4, "resources.t.headers.path"),
    ]
    assert found(text)[1][2] == "it is a key of `resources.t`: move it above `[resources.t.headers]`"


@pytest.mark.parametrize(
    "table",
    [
        "[resources.t.update.query]\nname = 'x'\npath = 'y'\nfields = 'z'\n",  # all are there, or no texts
        "[resources.t.fields]\nverified = { type = 'bool' }\n",  # a field of that name
    ],
)
def test_a_free_key_that_nobody_misses_is_a_key_of_its_own(table: str) -> None:
    assert found(f"{LEAST}{table}") == []


def test_a_list_that_a_table_of_texts_swallowed_is_sent_up() -> None:
    ((_, key, says),) = found("name = 'x'\n[headers]\nlimits = []\n[resources.t]\npath = '/{id}'\n")
    assert key == "headers.limits"
    assert says == "it takes a text; it is a key of the API as a whole: move it above the first table, `[headers]`"


def test_an_element_of_a_list_has_no_other_home() -> None:
    ((_, key, says),) = found(f"{LEAST}notes = 1\n".replace("notes = 1", "find = { by = [1], path = '/x' }"))
    assert (key, says) == ("resources.t.find.by[0]", "it takes a text: put it into quotes")
