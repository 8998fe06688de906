"""Of a type of records, each case is one change to a description without problems."""

import pytest

from jobs.apis.description.loading import examine


def said(resource: str, top: str = "", path: str = "/o/{owner}/{id}") -> list[str]:
    text = f"name = 'x'\n{top}\n[resources.t]\npath = '{path}'\n{resource}\n"
    found = examine(text)
    assert found.value is not None, found.problems
    return [f"{each.key}: {'warning: ' if each.is_warning else ''}{each.text}" for each in found.problems]


@pytest.mark.parametrize(
    "resource",
    [
        "record = '/data'\nvalues = '/attributes'",
        "headers = { X-Owner = '{owner}' }",
        "limits = [{ rate = '1/1s', per = '{owner}' }]",
        "errors = { message = '@X' }",
        "update = { path = '/x/{id}', query = { notify = 'false', o = '{owner}' }, headers = { Prefer = 'x' } }",
        "update = { constants = { '/a' = true, '/b' = [{ c = '{id}' }, 1] }, mask = 'updateMask', echo = '/a' }",
        "update = { method = 'PUT', send = 'record' }",
        "update = { format = 'json_patch' }\nprecondition = { body = { '/v' = '{/v}' } }",
        "read = false",
        "read = { path = '/r/{id}', query = { fields = '{fields}' }, headers = { A = '{owner}' } }",
        "read_many = { path = '/o/{owner}', query = { ids = '{ids}', f = ['{fields}'] } }",
        "read_many = { method = 'POST', path = '/o/{owner}', body = { inputs = [{ id = '{ids}' }] } }",
        "read_many = { path = '/o/{owner}', query = { q = 'OR({ids})' }, each = \"ID()='{id}'\" }",
        "read_many = { path = '/o/{owner}', query = { q = '{ids}', l = ['{ids}'] }, join = ' OR ' }",
        "read_many = { method = 'POST', path = '/o/{owner}', body = { q = { in = '{ids}' } }, join = '|' }",
        "find = { by = ['sku'], path = '/o/{owner}/products', query = { sku = '{value}' } }",
        "find = { by = ['sku', 'ean'], path = '/o/{owner}/{by}/{value}' }",
        "list = { path = '/all', records = '/items', next = '@Link' }",
        "list = { path = '/all', next = '/links/next' }",
        "find = { by = ['sku', 'ean'], path = '/{owner}/products', query = { '{by}' = '{value}' } }",
        "find = { by = ['sku'], path = '/{owner}', query = { filter = \"{{by}}='{value}'\" } }",  # a name in braces
        "read = false\nread_many = { path = '/{owner}/{ids}' }\nupdate = { send = 'record' }",
        "precondition = { headers = { If-Match = '{@ETag}' } }",
        "precondition = { query = { seq = '{/_seq_no}' }, body = { '/safe' = true } }",
    ],
)
def test_what_is_right_has_no_problem(resource: str) -> None:
    assert said(resource) == []


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("record = 'data'", "record: write a JSON Pointer"),
        ("values = '/~'", "values: write a JSON Pointer"),
        ("headers = { A = '{idd}' }", "headers.A: nothing gives `idd` a value here; did you mean `{id}`?"),
        ("limits = [{ concurrency = 1, per = '{x}' }]", "limits[0].per: "),
        ("errors = { field = 'x' }", "errors.field: write a JSON Pointer"),
        ("update = { path = 'x' }", "update.path: write a path that begins with /"),
        ("update = { path = '/x y' }", "update.path: write a path that begins with /"),
        ("update = { path = '/x#y' }", "update.path: write a path that begins with /"),
        ("update = { path = '/ä' }", "update.path: write a path that begins with /"),
        ("update = { path = '/{fields}' }", "update.path: `{fields}` is not filled here"),
        ("update = { query = { a = '{b' } }", "update.query.a: a brace has no partner"),
        ("update = { headers = { Host = 'x' } }", "update.headers.Host: the header Host cannot be set"),
        ("update = { wrap = 'x' }", "update.wrap: write a JSON Pointer"),
        ("update = { echo = 'x' }", "update.echo: write a JSON Pointer"),
        ("update = { constants = { a = 1 } }", "update.constants.a: write a JSON Pointer"),
        ("update = { constants = { '' = 1 } }", 'update.constants."": write a JSON Pointer to a member'),
        ("update = { constants = { '/a' = [{ b = '{c' }] } }", 'update.constants."/a"[0].b: a brace has no partner'),
        ("update = { mask = 'm', query = { m = '' } }", "update.mask: this parameter has a fixed value in `query`"),
        ("update = { format = 'json_patch', send = 'record' }", "update.send: a JSON Patch is a list of changes"),
        ("update = { format = 'json_patch', wrap = '/a' }", "update.wrap: a JSON Patch has no body to wrap"),
        (
            "update = { format = 'json_patch', constants = { '/a' = 1 } }",
            "update.constants: a JSON Patch has no members",
        ),
        ("update = { format = 'json_patch', method = 'PUT' }", "update.method: warning: a JSON Patch is usually sent"),
        ("update = { send = 'record' }\nread = false", "update.send: the whole record is sent back"),
        ("read = { path = 'x' }", "read.path: write a path"),
        ("read = { query = { a = '{ids}' } }", "read.query.a: `{ids}` is not filled here"),
        ("read = { path = '/{id}?fields={fields}' }", "read.path: `{fields}` is not filled here"),
        ("read = { headers = { A = '{fields}' } }", "read.headers.A: `{fields}` is not filled here"),
        ("read_many = { path = '/{owner}/{ids}?f={fields}' }", "read_many.path: `{fields}` is not filled here"),
        (
            "read_many = { path = '/{owner}/{ids}', headers = { A = '{ids}' } }",
            "read_many.headers.A: `{ids}` is not filled here",
        ),
        ("read = { headers = { A = '{x}' } }", "read.headers.A: nothing gives `x` a value here; name it in the `path`"),
        ("read = false\nprecondition = { headers = { A = '{@A}' } }", "precondition: it needs `read`, which is false"),
        ("read_many = { path = '/{owner}' }", "read_many: no text of it has {ids}"),
        ("read_many = { path = '/{owner}/{ids}', join = '' }", "read_many.join: the ids would run into each other"),
        (
            "read_many = { method = 'POST', path = '/{owner}', body = { q = { in = ['{ids}'] } }, join = '|' }",
            "read_many.join: warning: in a list, {ids} repeats its element: nothing joins them",
        ),
        (
            "read_many = { path = '/{ids}' }",
            "read_many: {ids} stands for {id} alone: name {owner}, too",
        ),
        (
            "read_many = { path = '/{owner}/{id}/{ids}' }",
            "read_many: {ids} stands for {id}, the last variable of the key",
        ),
        ("read_many = { path = '/{owner}/{ids}', each = 'x' }", "read_many.each: it must hold {id}"),
        (
            "read_many = { path = '/{owner}/{ids}', each = '{id}{x}' }",
            "read_many.each: nothing gives `x` a value here",
        ),
        ("read_many = { path = '/{owner}', body = { a = '{ids}' } }", "read_many.body: a GET has no body"),
        (
            "read_many = { path = '/{owner}/{ids}', query = { a = ['{'] } }",
            "read_many.query.a[0]: a brace has no partner",
        ),
        (
            "read_many = { path = '/{owner}/{ids}', headers = { Host = '' } }",
            "read_many.headers.Host: the header",
        ),
        ("read_many = { path = '/{owner}/{ids}', records = 'a' }", "read_many.records: write a JSON Pointer"),
        ("read_many = { path = '/{owner}/{ids}', id = '' }", "read_many.id: write a JSON Pointer to a member"),
        ("find = { by = ['id'], path = '/{owner}/{value}' }", "find.by[0]: name a field that is no part of the key"),
        ("find = { by = [''], path = '/{owner}/{value}' }", "find.by[0]: name a field that is no part of the key"),
        ("find = { by = ['a', 'a'], path = '/{owner}/{by}/{value}' }", "find.by[1]: it stands there twice"),
        ("find = { by = ['a'], path = '/{owner}' }", "find: no text of it has {value}"),
        ("find = { by = ['a', 'b'], path = '/{owner}/{value}' }", "find: no text of it has {by}"),
        ("find = { by = ['a'], path = '/{value}' }", "find: the id found stands for {id} alone: name {owner}, too"),
        (
            "find = { by = ['a'], path = '/{owner}/{value}', query = { a = '}' } }",
            "find.query.a: a brace has no partner",
        ),
        (
            "find = { by = ['a'], path = '/{owner}/{value}', headers = { 'a b' = '' } }",
            "find.headers.\"a b\": 'a b' is no",
        ),
        (
            "find = { by = ['a'], path = '/{owner}/{value}', query = { '{by' = '' } }",
            'find.query."{by": a brace has no',
        ),
        ("find = { by = ['a'], path = '/{owner}/{value}', records = 'a' }", "find.records: write a JSON Pointer"),
        ("find = { by = ['a'], path = '/{owner}/{value}', id = 'a' }", "find.id: write a JSON Pointer"),
        ("list = { path = 'x' }", "list.path: write a path"),
        ("list = { path = '/x', records = 'x' }", "list.records: write a JSON Pointer"),
        (
            "list = { path = '/x', next = 'x' }",
            "list.next: write a JSON Pointer like /a/b, with ~1 for / and ~0 for ~ in a",
        ),
        ("precondition = {}", "precondition: it holds nothing of the record that was read"),
        ("precondition = { headers = { A = 'x{id}' } }", "precondition: it holds nothing of the record that was read"),
        ("precondition = { headers = { A = '{@A B}' } }", "precondition.headers.A: this is no name of a header"),
        ("precondition = { query = { a = '{/~}' } }", "precondition.query.a: write a JSON Pointer"),
        ("precondition = { body = { a = '{/b}' } }", "precondition.body.a: write a JSON Pointer"),
        (
            "precondition = { headers = { If-Match = '{@ETag}' } }\nupdate = { headers = { if-match = '*' } }",
            "precondition.headers.If-Match: `update` has this header, too",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_key(resource: str, says: str) -> None:
    found = said(resource)
    assert len(found) == 1, found
    assert found[0].startswith(f"resources.t.{says}")


def test_a_path_is_never_without_the_value_of_a_variable() -> None:
    """A header, a parameter or a member that names it is left out; a path would be another one."""
    unset = "variables = { team = '' }"
    assert said("headers = { A = '{team}' }\nread = { query = { a = '{team}' } }", unset) == []
    (found,) = said("update = { path = '/{team}/{owner}/{id}' }", unset)
    assert found.startswith("resources.t.update.path: nothing gives `team` a value here")
    assert said("update = { path = '/{team}/{owner}/{id}' }", "variables = { team = 'a' }") == []


@pytest.mark.parametrize(
    ("path", "top", "says"),
    [
        ("/t", "", ["path: it names no key"]),
        ("t/{id}", "", ["path: write a path that begins with /"]),
        ("/t/{i d}", "", ["path: write a path that begins with /", "path: braces hold"]),
        ("/t/{id:rot13}", "", ["path: there is no transform `rot13`"]),
        ("/{region}", "base_url = 'https://{region}.example.com'", ["path: it names no key"]),  # never from a column
        ("/t?id=eq.{id}", "", []),
        ("/t/{id}?fields={fields}", "", ["path: `{fields}` is not filled here"]),  # updates have that path, too
        ("/t/{email:lower:md5}", "", []),
        ("/{type}/{id}", "", []),  # the name of the type
        ("/{__status}", "", ["path: no column can be the variable `__status`"]),
        ("/{region}/{id}", "base_url = 'https://{region}.example.com'", []),
    ],
)
def test_the_path_names_the_key(path: str, top: str, says: list[str]) -> None:
    found = said("", top, path)
    assert len(found) == len(says), found
    assert all(map(str.startswith, found, (f"resources.t.{each}" for each in says)))


def test_a_variable_of_the_path_that_has_a_default_need_not_be_named() -> None:
    many = "read_many = { path = '/{ids}' }"
    assert said(many, "variables = { owner = 'me' }") == []
    assert said(many, "variables = { owner = 'me', id = '1' }") == []


def test_a_resource_without_a_key_is_told_once() -> None:
    assert len(said("read_many = { path = '/{ids}' }", path="/t")) == 1


@pytest.mark.parametrize(
    ("name", "is_good"), [("p_foo", True), ("2-123", True), ("a.b", True), ("a b", False), ("", False)]
)
def test_a_resource_has_a_plain_name(name: str, is_good: bool) -> None:
    found = examine(f"name = 'x'\n[resources.\"{name}\"]\npath = '/{{id}}'\n").problems
    assert (found == ()) is is_good


UNIFORM = """
[resources."*"]
path = "/{type}/{id}"
headers = { X-Type = "{type:upper}" }
limits = [{ rate = "1/1s", per = "{type}" }]
read_many = { path = "/{type}", query = { "fields[{type}]" = "{fields}", id = "{ids}" } }
find = { by = ["sku"], path = "/{type}", query = { "{by}" = "{value}" } }
"""


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("", "", []),
        ('"/{type}/{id}"', '"/records/{id}"', []),  # the type stands elsewhere
        ("fields[{type}]", "fields[{typ}]", ['resources.*.read_many.query."fields[{typ}]": nothing gives `typ`']),
        ("[resources", "variables = { type = 'a' }\n[resources", ["variables.type: `type` is taken"]),
        ("[resources", "headers = { X = '{type}' }\n[resources", ["headers.X: `{type}` is not filled here"]),
    ],
)
def test_the_star_describes_every_type_and_its_texts_have_the_name(before: str, after: str, says: list[str]) -> None:
    found = examine("name = 'x'\n" + (UNIFORM.replace(before, after, 1) if before else UNIFORM)).problems
    assert [f"{each.key}: {each.text}"[: len(text)] for each, text in zip(found, says, strict=True)] == says


def test_types_that_no_text_tells_apart_would_be_one() -> None:
    found = examine("name = 'x'\n[resources.'*']\npath = '/records/{id}'\n").problems
    assert [each.text for each in found] == ["no text of it has {type}: all types would be the same records"]
