"""YAML is JSON in another dress: no tag is executed, nothing grows, no word becomes something else."""

import builtins
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.openapi.refused import DocumentRefused
from jobs.apis.openapi.yaml import parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            "a: 1\nb: [x, -2, 1.5, 2e3, .5, true, null, ~, ]",
            {"a": 1, "b": ["x", -2, 1.5, 2000.0, 0.5, True, None, None]},
        ),
        ("on: no\n200: yes\n", {"on": "no", "200": "yes"}),
        (
            "date: 2022-11-28\ntime: 12:30:45\nid: 007\nversion: 1.2.3",
            {"date": "2022-11-28", "time": "12:30:45", "id": 7, "version": "1.2.3"},
        ),
        ("a: '1'\nb: \"true\"\nc: |\n  x\n  y\nd: !!str 5", {"a": "1", "b": "true", "c": "x\ny\n", "d": "5"}),
        ("a: &one {x: 1}\nb: *one\n", {"a": {"x": 1}, "b": {"x": 1}}),
        ("a: &one {x: 1, y: 2}\nb:\n  <<: *one\n  y: 3\n", {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}),
        (
            "a: &one {x: 1}\nb: &two {x: 2, z: 3}\nc: {<<: [*one, *two]}\n",
            {"a": {"x": 1}, "b": {"x": 2, "z": 3}, "c": {"x": 1, "z": 3}},
        ),
        ("a: .nan\nb: -.inf\nc: +\nd: 0x1F", {"a": ".nan", "b": "-.inf", "c": "+", "d": "0x1F"}),
        ("", None),
        ("a:\n", {"a": None}),
        ("- 1\n- [2, {b: c}]", [1, [2, {"b": "c"}]]),
    ],
)
def test_a_text_means_what_its_author_meant(text: str, value: Any) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: !!python/object/apply:os.system ['true']", "line 2: a tag stands here, and none is executed"),
        ("a: !secret x", "line 1: a tag stands here"),
        ("a: 1\na: 2", "line 2: the same key stands twice in one mapping"),
        ("? [a]\n: 1", "line 1: the key of a mapping must be a text"),
        ("a: &x [*x]", "*x stands for something that holds it"),
        ("a: *x", "*x stands for something that holds it, or that does not exist"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins here"),
        ("a: [", "is no YAML: "),
        ("a: \x00", "it is no YAML: "),
        ("a: {<<: 1}", "<< takes in a mapping"),
        ("[" * 300, "nested more than 200 deep"),
    ],
)
def test_what_json_cannot_be_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse_yaml(text)
    assert said in str(refused.value)


def test_what_is_merged_again_and_again_does_not_grow_without_end() -> None:
    names = ", ".join(f"k{number}: 1" for number in range(1000))
    text = f"a: &a {{{names}}}\nb:\n" + "- {<<: *a}\n" * 1001
    with pytest.raises(DocumentRefused, match="<< takes in too much"):
        parse_yaml(text)


def test_aliases_share_what_they_stand_for() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = "a: &a [x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise(letters))
    found = parse_yaml(text)
    assert isinstance(found, Mapping)
    assert found["z"][0] is found["z"][1]


def test_without_the_package_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "yaml":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DocumentRefused, match=r"pipx inject rowpatch pyyaml.*convert the file to JSON"):
        parse_yaml("a: 1")


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words.filter(lambda each: each != "<<"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_written_as_yaml_is_read_as_the_same(value: Any) -> None:
    assert parse_yaml(yaml.safe_dump(value, allow_unicode=True)) == value


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    try:
        found = parse_yaml(text)
    except DocumentRefused:
        return
    json.dumps(found)
