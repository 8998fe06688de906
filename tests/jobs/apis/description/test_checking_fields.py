"""Of a field, each case is what one line says."""

import pytest

from jobs.apis.description.loading import examine


def said(name: str, field: str) -> list[str]:
    text = f"name = 'x'\n[resources.t]\npath = '/t/{{id}}'\n[resources.t.fields]\n\"{name}\" = {{ {field} }}\n"
    found = examine(text)
    assert found.value is not None, found.problems
    return [f"{'.'.join(map(str, each.path[4:]))}: {each.text}" for each in found.problems]


@pytest.mark.parametrize(
    "field",
    [
        "",
        "type = 'int', enum = [1, 2]",
        "type = 'float', enum = [1, 2.5]",
        "type = 'bool', enum = [true]",
        "type = 'date', encode = 'epoch_ms'",
        "type = 'datetime', encode = 'epoch', enum = ['2026-01-01']",
        "type = 'json', enum = ['a', 1]",
        "type = 'text', encode = 'list'",
        "type = 'object', merge = 'deep'",
        "type = 'map', of = 'int', merge = 'shallow'",
        "merge = 'shallow'",
        "enum = ['a', 'b']",
        "type = 'list', of = 'int', sep = ';', enum = [1]",
        "type = 'set', item = '/name', item_as = 'object'",
        "type = 'keyed', key = 'id:int', value = 'value', merge = 'shallow'",
        "type = 'keyed', key = 'id', value = 'value', of = 'json'",
        "read_from = '/x', write_to = '/y/{field}'",
        "read_only = true, read_from = '/x'",
        "write_only = true, action = true",
        # every default written out, as `apis show` does
        "type = 'int', of = 'text', key = '', value = '', item = '', item_as = 'value', sep = '', enum = []",
    ],
)
def test_what_is_right_has_no_problem(field: str) -> None:
    assert said("f", field) == []


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("type = 'keyed'", ": keyed needs both"),
        ("type = 'keyed', key = 'id'", ": keyed needs both"),
        ("type = 'keyed', key = 'id:x', value = 'v'", "key: write a member, and its type"),
        ("key = 'id'", "key: only the types keyed take it"),
        ("type = 'object', value = 'v'", "value: only the types keyed take it"),
        ("type = 'map', item = '/a'", "item: only the types list or set take it"),
        ("sep = ';'", "sep: only the types list or set take it"),
        ("of = 'int'", "of: only the types keyed, list, map or set take it"),
        ("type = 'set', merge = 'deep'", "merge: only the types json, keyed, map or object take it"),
        ("type = 'list', item = 'a'", "item: write a JSON Pointer"),
        ("type = 'list', item = '/a', sep = ';'", "sep: elements are objects by `item`, or one text by `sep`"),
        ("type = 'list', item_as = 'object'", "item_as: it needs `item`"),
        ("read_from = 'x'", "read_from: write a JSON Pointer"),
        ("write_to = 'x'", "write_to: write a JSON Pointer"),
        ("write_to = '/{id}'", "write_to: only {field} is filled here"),
        ("write_to = '/{field'", "write_to: a brace has no partner"),
        ("read_only = true, write_only = true", "write_only: the field is read_only"),
        ("read_only = true, action = true", "action: the field is read_only"),
        ("read_only = true, write_to = '/x'", "write_to: the field is read_only"),
        ("write_only = true, read_from = '/x'", "read_from: the field is write_only"),
        ("encode = 'epoch'", 'encode: write type = "date" or "datetime": `epoch` counts from 1970'),
        ("enum = [1]", "enum.0: it is no value of type `text`"),
        ("type = 'int', enum = [1, true]", "enum.1: it is no value of type `int`"),
        ("type = 'int', enum = [1.5]", "enum.0: it is no value of type `int`"),
        ("type = 'bool', enum = [1]", "enum.0: it is no value of type `bool`"),
        ("type = 'object', enum = ['a']", "enum.0: it is no value of type `object`"),
        ("type = 'set', of = 'int', enum = ['a']", "enum.0: it is no value of type `int`"),
    ],
)
def test_what_is_wrong_is_told_at_its_key(field: str, says: str) -> None:
    found = said("f", field)
    assert len(found) == 1, found
    assert found[0].startswith(says)


@pytest.mark.parametrize("name", ["a", "a.b.c", "*", "a.*", "/a.b", "/a~1b", "Name With Space", "ä", "a/b"])
def test_a_field_is_named_like_a_column_or_by_a_pointer(name: str) -> None:
    assert said(name, "") == []


@pytest.mark.parametrize("name", ["", "a..b", ".a", "a.", "*.a", "a*", " a", "/~"])
def test_a_malformed_name_is_refused(name: str) -> None:
    assert len(said(name, "")) == 1


@pytest.mark.parametrize("name", ["*", "a.*"])
def test_what_stands_for_all_fields_has_no_single_place(name: str) -> None:
    assert said(name, "write_to = '/y/{field}'") == []
    assert said(name, "write_to = '/y'") == ["write_to: all fields would go to one place: it must hold {field}"]
    assert said(name, "read_from = '/y'")[0].startswith("read_from: one place cannot show all fields")
