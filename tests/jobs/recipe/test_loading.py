"""A text is a recipe, or it is refused with everything that is wrong with it: line, key, what to do."""

import pytest

from jobs.recipe.loading import examine, load
from jobs.recipe.view_model import ColumnRecipe
from jobs.toml.loading import Refused

WHOLE = """\
name = "prices"
source = "exports/ART_*.csv"
api = "commercelayer"
url = "https://acme.example.com"
type = "prices"
key = "id"
set = { subdomain = "acme" }
after = ["skus"]
lanes_file = "shops.csv"
[input]
encoding = "cp1252"
delimiter = ";"
header_row = 3
sheet = "Shop"
max_age = "26h"
[columns]
id = "SHOP_ID"
amount_cents = { column = "PREIS", decimal = ",", times = 100 }
"metadata.from" = { column = "AB", date = "%d.%m.%Y" }
"metadata.on:bool" = { column = "AKTIV", map = { Ja = true, Nein = false } }
"metadata.note" = { column = "NOTIZ", drift = "keep", empty = "clear", private = true }
[constants]
"metadata.source" = "erp"
[filter]
STATUS = ["A", "B"]
[rules]
drift = "report"
empty = "keep"
missing = "report"
reread = 1
[guards]
mode = "live"
floor = 10
rows_shrink = "20%"
changed = "30%"
changed_rows = 1000
overwritten = "1%"
emptied = "5%"
gone = "10%"
invalid = "5%"
moved = { amount_cents = "50%" }
[quarantine]
after = 3
again = 7
max = "1%"
[run]
deadline = "06:00"
keep = 30
rate = "50/10s"
concurrency = 16
stop_after = "5%"
state = "prices.state"
[[notify]]
command = ["/opt/tell", "ops"]
on = ["failed", "partial", "guard", "drift", "recovered"]
threshold = "1%"
[credentials]
token_file = "/run/secrets/cl"
"""


NO_COLUMN = '2: columns.metadata: it does not say its `column`: { column = "NAME" }'


def said(text: str) -> list[str]:
    return [each.said("r.toml") for each in examine(text).problems]


def test_a_recipe_with_every_key_is_read() -> None:
    found = load(WHOLE, "r.toml")
    assert found.keys == ("id",)
    assert found.columns["amount_cents"] == ColumnRecipe(column="PREIS", decimal=",", times=100)
    assert found.view.columns == found.columns
    assert found.notify[0].command == ("/opt/tell", "ops")


def test_an_empty_recipe_has_the_defaults_that_the_contract_names() -> None:
    said_, least = load(WHOLE, "r.toml"), load("", "r.toml")
    assert least.rules == said_.rules
    assert least.quarantine == said_.quarantine
    assert least.guards == said_.guards.model_copy(update={"mode": "", "moved": {}})
    assert least.run.keep == said_.run.keep
    assert least.notify == ()


def test_a_record_may_be_named_by_several_fields() -> None:
    assert load('key = ["project", "number"]\n', "r.toml").keys == ("project", "number")


def test_a_refusal_holds_all_problems_in_the_order_of_their_lines() -> None:
    with pytest.raises(Refused) as refused:
        load('soruce = "x"\n[run]\nkeep = "3"\ndeadlin = "06:00"\n', "r.toml")
    assert str(refused.value).splitlines() == [
        "r.toml:1: soruce: there is no such key; did you mean `source`?",
        "r.toml:3: run.keep: it takes a whole number without quotes",
        "r.toml:4: run.deadlin: there is no such key; did you mean `deadline`?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[columns]\nmetadata.value = "Wert"\n',
            f'{NO_COLUMN}. If a name with dots is meant, quote it: "metadata.value" = …',
        ),
        (
            '[columns]\nmetadata.a.b = { column = "Wert" }\n',
            '2: columns.metadata: quote it: "metadata.a.b" = …; without quotes TOML makes tables of the dots',
        ),
        ("[columns]\na = {}\n", '2: columns.a: it does not say its `column`: { column = "NAME" }'),
        (
            '[constants]\nmetadata.source = "erp"\n',
            '2: constants.metadata: quote it: "metadata.source" = …; without quotes TOML makes tables of the dots',
        ),
        (
            '[filter]\nc = ["x"]\na.b = ["x"]\n',
            '3: filter.a: quote it: "a.b" = …; without quotes TOML makes tables of the dots',
        ),
        (
            '[guards.moved]\na = "5%"\nmetadata.x = "5%"\n',
            '3: guards.moved.metadata: quote it: "metadata.x" = …; without quotes TOML makes tables of the dots',
        ),
    ],
)
def test_a_name_with_dots_needs_quotes(text: str, told: str) -> None:
    assert said(text) == [f"r.toml:{told}"]


@pytest.mark.parametrize("text", ["guards = 1\n", "columns = 1\n", "[guards]\nmoved = 1\n"])
def test_what_is_no_table_holds_no_names(text: str) -> None:
    (told,) = said(text)
    assert "it takes a table" in told


def test_fields_may_have_the_names_of_keys() -> None:
    assert said('[columns]\nid = "ID"\nname = "NAME"\nsource = "S"\ntype = "T"\n') == []


def test_a_key_that_a_table_swallowed_is_sent_up() -> None:
    assert said('[run]\nsource = "x"\n') == [
        "r.toml:2: run.source: it is a key of the recipe as a whole: move it above the first table, `[run]`"
    ]
    assert said('[set]\nurl = "https://x"\n') == [
        "r.toml:2: set.url: it is a key of the recipe as a whole: move it above the first table, `[set]`"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[credentials]\ntoken = 'hunter2'\n", "no credential stands in a recipe: name its file, token_file, or"),
        ("token = 'hunter2'\n", "no credential stands in a recipe"),
        (
            "[[lanes]]\nname = 'a'\npassword = 'hunter2'\n",
            "name its file, password_file, or its variable, password_env",
        ),
        ("[[notify]]\nurl = 'https://hooks.example/hunter2'\n", "the address of a webhook is a secret"),
        ("[[notify]]\ncommand = ['a']\npassword = 'hunter2'\n", "there is no such key"),
    ],
)
def test_a_secret_is_sent_away_and_not_quoted(text: str, told: str) -> None:
    (found,) = said(text)
    assert told in found
    assert "hunter2" not in found


def test_the_name_is_that_of_a_folder() -> None:
    assert said('name = "a b"\n') == ["r.toml:1: name: write letters, digits, _ and -"]


def test_a_lane_has_a_name() -> None:
    assert said("[[lanes]]\nname = ''\n") == ["r.toml:2: lanes[0].name: must not be empty"]
