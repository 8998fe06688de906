"""A text is a description, or it is refused with everything that is wrong with it: line, key, what to do."""

import pytest

from jobs.apis.description.loading import examine, load
from jobs.toml.loading import Refused
from jobs.toml.problems import Problem

RESOURCE = '[resources.t]\npath = "/t/{id}"\n'
LEAST = f'name = "x"\n{RESOURCE}'


def said(text: str) -> list[str]:
    return [each.said("f") for each in examine(text).problems]


def test_the_least_description_has_a_name_and_a_path() -> None:
    found = load(LEAST, "f")
    assert (found.name, found.resources["t"].path) == ("x", "/t/{id}")
    assert found.auth.type == "bearer"


def test_lists_of_a_file_are_tuples_where_the_values_say_so_and_json_where_they_do_not() -> None:
    found = load(f'notes = ["a"]\n{LEAST}[resources.t.update.constants]\n"/a" = [{{ b = [1] }}]\n', "f")
    assert found.notes == ("a",)
    assert found.resources["t"].update.constants == {"/a": [{"b": [1]}]}


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("name", "\ufeffname"), ('}"\n', '}"')])
def test_a_file_of_any_editor_is_read(change: tuple[str, str]) -> None:
    assert load(LEAST.replace(*change), "f") == load(LEAST, "f")


def test_a_refusal_holds_all_problems_in_the_order_of_their_lines() -> None:
    with pytest.raises(Refused) as refused:
        load(f'nme = "x"\nsettle_s = "2"\n{RESOURCE}pth = 1\n', "my.toml")
    assert str(refused.value).splitlines() == [
        "my.toml:1: name: it is missing; it takes a text. Its name, in messages and lists.",
        "my.toml:1: nme: there is no such key; did you mean `name`?",
        "my.toml:2: settle_s: it takes a number without quotes",
        "my.toml:5: resources.t.pth: there is no such key; did you mean `path`?",
    ]


def test_what_the_values_say_is_checked_too_and_located() -> None:
    with pytest.raises(Refused) as refused:
        load(f'{LEAST}limits = [\n  {{ rate = "5" }},\n]\n', "f")
    assert [(each.line, each.key) for each in refused.value.problems] == [(5, "resources.t.limits[0].rate")]


def test_a_warning_refuses_nothing() -> None:
    text = f'variables = {{ y = "" }}\n{LEAST}'
    assert load(text, "f").variables == {"y": ""}
    found = examine(text)
    assert (found.value, found.errors) == (load(text, "f"), ())
    assert said(text) == ["f:1: variables.y: warning: no text of this description has `{y}`"]


def test_a_description_whose_values_are_wrong_is_there_to_be_looked_at() -> None:
    found = examine('name = "x"\n[resources.t]\npath = "t"\n')
    assert found.value is not None
    assert len(found.errors) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('limits = "100/60s"', "limits: it takes a list of tables: put it into brackets, [{ … }]"),
        ("limits = [1]", "limits[0]: it takes a table, like { key = … }"),
        ('notes = "x"', "notes: it takes a list of texts: put it into brackets, […], even if it is one"),
        ("notes = [1]", "notes[0]: it takes a text: put it into quotes"),
        ("verified = 2026-11-30", "verified: put dates and times into quotes"),
        ("verified = 10:00:00", "verified: put dates and times into quotes"),
        ("verified = []", "verified: it takes a text"),
        ("settle_s = nan", "settle_s: a number must be finite"),
        ("settle_s = true", "settle_s: it takes a number"),
        ("settle_s = -1", "settle_s: must be 0 or more"),
        ("settle_s = 601", "settle_s: must be 600 or less"),
        ("headers = 1", "headers: it takes a table of texts, like { key = … }"),
        ("headers = { a = 1 }", "headers.a: it takes a text: put it into quotes"),
        ("auth = [{ type = 'none' }]", "auth: it takes a table, like { key = … }"),
        (
            "auth = { type = 'bearr' }",
            'auth.type: it takes "bearer", "basic", "api_key", "oauth2_client_credentials" or "none"; did you mean be',
        ),
        (
            "auth = { request = 1 }",
            'auth.request: it takes "form" or "json": put it into quotes',
        ),
        ("error_rules = [{}]", "error_rules[0].means: it is missing; it takes"),
        ("error_rules = [{ means = 'stop', status = 429 }]", "error_rules[0].status: it takes a list of whole numbers"),
        ("error_rules = [{ means = 'stop', body = { '/x' = [] } }]", 'error_rules[0].body."/x": it takes a text, a'),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_words(line: str, says: str) -> None:
    (problem,) = said(f"{line}\n{LEAST}")
    assert problem.startswith(f"f:1: {says}")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("read = true", "read: it takes a table or false"),
        ("read = 'x'", "read: it takes a table or false"),
        ("read = { pth = '/x' }", "read.pth: there is no such key; did you mean `path`?"),
        ("omits_empty = 'yes'", "omits_empty: it takes true or false without quotes"),
        ("find = { by = [], path = '/x' }", "find.by: must have at least one entry"),
        ("read_many = { path = '/x', query = { a = 1 } }", "read_many.query.a: it takes a text or a list of texts"),
        ("read_many = { path = '/x', query = { a = [1] } }", "read_many.query.a[0]: it takes a text"),
        ("update = { constants = { '/x' = inf } }", 'update.constants."/x": a number must be finite'),
        ("update = { constants = { '/x' = [1979-05-27] } }", 'update.constants."/x"[0]: put dates and times'),
    ],
)
def test_of_a_union_what_came_nearest_is_what_was_meant(line: str, says: str) -> None:
    (problem,) = said(f"{LEAST}{line}\n")
    assert problem.startswith(f"f:4: resources.t.{says}")


@pytest.mark.parametrize(
    ("header", "key", "says"),
    [
        ("[error_rules]\nmeans = 'stop'", "error_rules", "write its header in two pairs of brackets, [[…]]"),
        ("[[auth]]\ntype = 'none'", "auth", "write its header in one pair of brackets, […]"),
    ],
)
def test_a_header_with_the_wrong_brackets_is_told(header: str, key: str, says: str) -> None:
    (problem,) = examine(f"{LEAST}{header}\n").problems
    assert (problem.key, problem.line) == (key, 4)
    assert problem.text.endswith(says)


@pytest.mark.parametrize("name", ["My API", "x y", "", "-x", "Ä"])
def test_the_name_is_short_and_plain(name: str) -> None:
    assert said(f'name = "{name}"\n{RESOURCE}') == [
        "f:1: name: write small letters, digits, _ and -, with a letter or digit first"
    ]


def test_an_api_without_resources_is_none() -> None:
    assert said("name = 'x'\nresources = {}\n") == ["f:2: resources: must have at least one entry"]


def test_a_text_of_endless_brackets_is_refused() -> None:
    assert said(f"a = {'[' * 5000}") == ["f:1: the lists or tables are nested too deeply"]


def test_a_refusal_lists_all_problems() -> None:
    refused = Refused("f.toml", (each for each in (Problem(("a",), "x", line=1), Problem(("b",), "y", line=2))))
    assert str(refused) == "f.toml:1: a: x\nf.toml:2: b: y"
    assert [each.line for each in refused.problems] == [1, 2]
    assert refused.origin == "f.toml"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("number", "int or float"), ("Boolean", "bool"), ("string", "text"), ("array", "list or set"), ("txet", "text")],
)
def test_what_a_type_is_called_elsewhere_is_understood(written: str, meant: str) -> None:
    (only,) = said(f'{LEAST}fields.a = {{ type = "{written}" }}\n')
    assert only.endswith(f"; did you mean {meant}?")
