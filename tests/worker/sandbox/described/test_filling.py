"""What was filled into a text is read back from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.templates import into_url, template
from worker.sandbox.described.filling import Ids, Pattern, read_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(owner=TEXTS, key=TEXTS)
def test_a_path_is_read_back_whatever_its_keys_hold(owner: str, key: str) -> None:
    text = "/repos/{owner}/items/{id}.json"
    path = template(text).fill({"owner": owner, "id": key}, into_url)
    assert Pattern(text, in_path=True).read(path) == {"owner": [owner], "id": [key]}


@given(
    ids=st.lists(TEXTS.filter(lambda text: "'" not in text), min_size=1, max_size=5),
    join=st.sampled_from([",", "|", " OR "]),
)
def test_ids_in_a_formula_are_read_back(ids: list[str], join: str) -> None:
    written = join.join(f"ID()='{each}'" for each in ids)
    assert Pattern("OR({ids})", Ids("ID()='{id}'", join)).read(f"OR({written})") == {"ids": ids}


@pytest.mark.parametrize(
    ("wanted", "found", "values"),
    [
        ("a{x}b", "a1b", {"x": ["1"]}),
        ("{x}{x}", "ab", None),
        ({"a": ["{ids}"], "b": 1}, {"a": ["1", "2"], "b": 1}, {"ids": ["1", "2"]}),
        ({"a": ["x", {"id": "{ids}"}]}, {"a": ["x", {"id": "7"}]}, {"ids": ["7"]}),
        ({"a": ["x", "{ids}"]}, {"a": ["y", "1"]}, None),
        ({"a": True}, {"a": 1}, None),
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": "{x}", "b": "{x}"}, {"a": "1", "b": "2"}, None),
        (["{ids}"], "1", None),
    ],
)
def test_a_document_is_read_back_or_is_another_one(wanted: Any, found: Any, values: Any) -> None:
    assert read_json(wanted, found) == values
