"""What a recipe's values say is checked before any sheet is there."""

import pytest

from jobs.recipe.loading import examine


def told(text: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.key, each.text) for each in examine(text).problems]


COLUMNS = '[columns]\nid = "ID"\n'


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('a = { column = "A", decimal = ",", date = "%d.%m.%Y" }', "columns.a.date", "a cell has one notation"),
        ('a = { column = "A", times = 2, map = { x = 1 } }', "columns.a.map", "keep this or `times`"),
        ('a = { column = "A", decimal = ",", thousands = "," }', "columns.a.thousands", "it is the decimal mark, too"),
        ('a = { column = "A", times = "1,5" }', "columns.a.times", "write a number: 100, or with a fraction in quotes"),
        ('a = { column = "A", times = -1 }', "columns.a.times", "write a number"),
        ('a = { column = "A", date = "%d %b %Y" }', "columns.a.date", "`%b` has no meaning here"),
        ('a = { column = "A", map = { "" = 1 } }', "columns.a.map", "an empty cell stands for no value"),
        ('a = ""', "columns.a", "must not be empty"),
        ('a = "__status"', "columns.a", "`__status` is a column of a results file"),
        ('a = { column = "__row" }', "columns.a", "`__row` is a column of a results file"),
        ('__status = "A"', "columns.__status", "names that begin with `__`"),
        ('_capture = "A"', "columns._capture", "it is a trigger"),
        ('"metadata:json" = "A"', 'columns."metadata:json"', "it would replace all of `metadata`"),
        ('"" = "A"', 'columns.""', "must not be empty"),
    ],
)
def test_a_column_is_checked(line: str, key: str, says: str) -> None:
    ((number, where, text),) = told(f"{COLUMNS}{line}\n")
    assert (number, where) == (3, key)
    assert says in text


def test_what_says_which_record_is_meant_is_not_private() -> None:
    text = '[columns]\nid = { column = "ID", private = true }\n'
    said = "it says which record is meant, and every report shows that"
    assert told(text) == [(2, "columns.id.private", said)]


def test_other_apis_have_other_triggers_and_objects() -> None:
    assert told(f'api = "crm.toml"\n{COLUMNS}_x = "A"\nmetadata = "M"\n') == []


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (f'ignore = ["A"]\n{COLUMNS}', "ignore", "with `[columns]` only those are taken"),
        (f'{COLUMNS}a = "A"\n[constants]\na = 1\n', "constants.a", "it comes from a column, too"),
        ("[constants]\n_capture = true\n", "constants._capture", "it is a trigger"),
        (f'key = "reference"\n{COLUMNS}', "key", "`reference` says which record is meant, and no column gives it"),
        ("key = []\n", "key", "it names no field"),
        ('key = ""\n', "key", "it names no field"),
        ('key = ["a", "a"]\n', "key", "`a` is there twice"),
        ('[columns]\nid = { column = "A", empty = "clear" }\n', "columns.id.empty", "is never set: remove it"),
        ('[columns]\nid = { column = "A", drift = "keep" }\n', "columns.id.drift", "is never set: remove it"),
        ("[filter]\nA = []\n", "filter.A", "it takes no row at all"),
        ('[input]\nformat = "xls"\n', "input.format", "it takes csv, "),
        ('[input]\nencoding = "klingon"\n', "input.encoding", "there is no such encoding"),
        ('[input]\nencoding = "a\\u0000b"\n', "input.encoding", "there is no such encoding"),
        ('[input]\ndelimiter = ";;"\n', "input.delimiter", "it takes one character"),
        ('[input]\nmax_age = "26"\n', "input.max_age", "write a number and its unit"),
        ('[guards]\nchanged = "30"\n', "guards.changed", 'write a share like "5%"'),
        ("[guards]\nchanged = -1\n", "guards.changed", "must be 0 or more"),
        ("[guards]\nmoved = { a = 5 }\n", "guards.moved.a", 'write a share like "50%"'),
        (f"{COLUMNS}[guards]\nmoved = {{ a = '5%' }}\n", "guards.moved.a", "no column of the recipe sets it"),
        ('[quarantine]\nmax = "x"\n', "quarantine.max", "write a share"),
        ('[run]\ndeadline = "25:00"\n', "run.deadline", "write a time of day like 06:00"),
        ('[run]\nrate = "50"\n', "run.rate", "write requests and the time"),
        ('[run]\nstop_after = "x"\n', "run.stop_after", "write a share"),
        ("[[notify]]\n", "notify[0]", "it takes one of `command`"),
        ("[[notify]]\ncommand = ['a']\nurl_env = 'X'\n", "notify[0]", "it takes one of `command`"),
        ("[[notify]]\ncommand = ['a']\nstyle = 'text'\n", "notify[0].style", "a command gets JSON"),
        ("[[notify]]\nurl_env = 'X'\non = []\n", "notify[0].on", "nothing is told then"),
        ("[[notify]]\nurl_env = 'X'\nthreshold = 'x'\n", "notify[0].threshold", "write a share"),
        ("[credentials]\ntoken_file = 'a'\ntoken_env = 'b'\n", "credentials.token_env", "`token_file` is given, too"),
        ("lanes_file = 'a'\n[[lanes]]\nname = 'a'\n", "lanes_file", "the lanes stand in the recipe, too"),
        ("[[lanes]]\nname = 'a'\nrate = 'x'\n", "lanes[0].rate", "write requests"),
        ("[[lanes]]\nname = 'a'\nsource_address = 'x'\n", "lanes[0].source_address", "write an address"),
        ("[[lanes]]\nname = 'a'\nwhere = { A = [] }\n", "lanes[0].where.A", "it takes no row"),
        ("[[lanes]]\nname = 'a'\nguards = { gone = 'x' }\n", "lanes[0].guards.gone", "write a share"),
        ("[[lanes]]\nname = 'a'\ntoken_file = 'a'\ntoken_env = 'b'\n", "lanes[0].token_env", "is given, too"),
        ("url = 'https://me:hunter2@example.com'\n", "url", "this looks like a secret"),
        ("after = ['ghp_0123456789abcdefghij']\n", "after[0]", "this looks like a secret"),
    ],
)
def test_a_value_that_says_nothing_is_told_with_its_key(text: str, key: str, says: str) -> None:
    ((_, where, found),) = told(text)
    assert where == key
    assert says in found
    assert "hunter2" not in found


def test_lanes_of_one_name_are_all_told() -> None:
    found = told("[[lanes]]\nname = 'a'\n[[lanes]]\nname = 'b'\n[[lanes]]\nname = 'a'\n")
    assert [(line, key) for line, key, _ in found] == [(2, "lanes[0].name"), (6, "lanes[2].name")]


@pytest.mark.parametrize(
    "text",
    [
        '[input]\nformat = "csv"\nencoding = "cp1252"\ndelimiter = "\\t"\nmax_age = "1.5h"\n',
        "[[lanes]]\nname = 'a'\nsource_address = '10.0.0.5'\nwhere = { A = ['x'] }\nguards = { gone = 'off' }\n",
        f"key = 'owner'\nset = {{ owner = 'x' }}\n{COLUMNS}",
        'key = "reference"\n[columns]\n"reference:str" = "R"\n',
        'key = ["a", "b"]\n[columns]\na = { column = "A" }\n[constants]\nb = 1\n',
        "[[notify]]\nurl_file = 'x'\nstyle = 'text'\non = ['ok']\nthreshold = 5\n",
    ],
)
def test_what_can_be_done_is_accepted(text: str) -> None:
    assert told(text) == []
