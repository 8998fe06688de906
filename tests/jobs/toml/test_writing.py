"""A description that is written says what it said, to the byte where it matters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.loading import examine
from jobs.apis.description.model import Description
from jobs.toml.writing import as_toml, unknowns
from tests.desk_api import DESK, desk

SCALARS = st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.booleans())
JSONS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
DESCRIPTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": st.just("desk"),
        "notes": st.lists(st.text()),
        "variables": st.dictionaries(st.text(), st.text()),
        "limits": st.lists(st.fixed_dictionaries({"rate": st.text(), "concurrency": st.integers(1, 99)})),
        "error_rules": st.lists(
            st.fixed_dictionaries({"means": st.just("retry"), "body": st.dictionaries(st.text(), SCALARS)})
        ),
        "resources": st.dictionaries(
            st.text(),
            st.fixed_dictionaries(
                {
                    "path": st.text(),
                    "settle_s": st.none() | st.floats(0, 600),
                    "read": st.just(False),
                    "update": st.fixed_dictionaries({"constants": st.dictionaries(st.text(), JSONS)}),
                    "fields": st.dictionaries(st.text(), st.just({"type": "text"})),
                }
            ),
            min_size=1,
        ),
    }
)


@given(DESCRIPTIONS)
def test_what_was_written_is_read_as_the_same_description(said: dict[str, Any]) -> None:
    description = Description.model_validate(said, strict=False)
    again = examine(as_toml(description)).value
    assert again is not None
    assert again.model_dump() == description.model_dump()


def test_defaults_are_left_out_and_tables_follow_values() -> None:
    assert as_toml(desk()) == (
        'name = "desk"\n'
        'notes = ["A list of tags is replaced as a whole.", "Closed tickets cannot be changed."]\n'
        'base_url = "https://{subdomain}.desk.example/{region}/api"\n'
        '\n[variables]\nregion = "eu"\n'
        '\n[headers]\nX-Team = "{team}"\n'
        '\n[auth]\ntype = "bearer"\n'
        "\n[resources]\n"
        '\n[resources.tickets]\npath = "/tickets/{id}.json"\n'
        "\n[resources.tickets.read]\n"
        '\n[resources.tickets.read.query]\nfields = "{fields}"\n'
        "\n[resources.tickets.fields]\n"
        '\n[resources.tickets.fields.subject]\ntype = "text"\n'
    )


def test_a_value_that_toml_cannot_hold_is_refused() -> None:
    update = {"constants": {"/x": [None]}}
    made = Description.model_validate({"name": "x", "resources": {"t": {"path": "/t/{id}", "update": update}}})
    with pytest.raises(TypeError, match="TOML has no NoneType"):
        as_toml(made)


def test_a_description_without_a_table_is_written_without_one() -> None:
    assert "[auth]" not in as_toml(desk(DESK.replace('[auth]\ntype = "bearer"\n', "")))


def test_what_is_unknown_is_found_with_its_place() -> None:
    text = """# unknown: limits
name = "x"  # a remark
[resources.x.update]
send = "record"  # unknown: does PUT keep it?
# unknown: echo
"""
    assert unknowns(text) == (
        "unknown: limits",
        'unknown: [resources.x.update] send = "record": does PUT keep it?',
        "unknown: [resources.x.update]: echo",
    )
    assert unknowns("".join(f"# {line}\n" for line in unknowns(text))) == unknowns(text)
