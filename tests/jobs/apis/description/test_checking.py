"""What the values of a description say is checked: each case is one change to a description without problems."""

import pytest

from jobs.apis import catalogue
from jobs.apis.description.checking import problems
from jobs.apis.description.loading import examine

OAUTH = "auth = { type = 'oauth2_client_credentials', token_url = 'https://a.example.com/token'"


def said(top: str, resource: str = "") -> list[str]:
    """The problems of a description with further lines: of the API, and of its resource."""
    text = f"name = 'x'\n{top}\n[resources.t]\npath = '/t/{{id}}'\n{resource}\n"
    found = examine(text)
    assert found.value is not None, found.problems
    return [f"{each.key}: {'warning: ' if each.is_warning else ''}{each.text}" for each in found.problems]


def begins(found: list[str], *beginnings: str) -> bool:
    return len(found) == len(beginnings) and all(map(str.startswith, found, beginnings))


@pytest.mark.parametrize("name", catalogue.names())
def test_the_descriptions_that_come_along_have_no_problems(name: str) -> None:
    assert problems(catalogue.description(name)) == []


@pytest.mark.parametrize(
    "top",
    [
        "base_url = 'https://api.example.com/v1'",
        "base_url = 'https://{sub}.example.com/{version}'\nvariables = { version = 'v1' }",
        "base_url = '{instance}/v1'",
        "base_url = 'http://localhost:8000'",
        "base_url = 'http://127.0.0.1'",
        "base_url = 'http://[::1]:8000/x'",
        "base_url = '{scheme}://localhost'\nvariables = { scheme = 'http' }",
        "headers = { Notion-Version = '2026-01-01', Accept = '', X = '{a}' }\nvariables = { a = '' }",
        "limits = [{ rate = '1/1s' }, { concurrency = 3, per = 'record' }, { rate = '1/1s', per = '{id}' }]",
        "limit_headers = [{ limit = 'X-L', window = '1m' }, { remaining = 'X-R', reset = 'X-T' }]",
        "idempotency_key = 'Idempotency-Key'",
        "auth = { type = 'none' }",
        "auth = { type = 'api_key', header = 'X-Api-Key' }",
        "auth = { type = 'basic', header = 'X-Auth' }",
        f"variables = {{ a = '' }}\n{OAUTH}, scopes = ['a:b', 'c/.d'], params = {{ audience = 'https://{{a}}/' }} }}",
        f"{OAUTH}, variables = {{ instance = '/instance_url' }} }}\nbase_url = '{{instance}}/v1'",
    ],
)
def test_what_is_right_has_no_problem(top: str) -> None:
    assert said(top) == []


@pytest.mark.parametrize(
    ("top", "says"),
    [
        ("base_url = 'api.example.com'", "base_url: write an address like"),
        ("base_url = 'ftp://api.example.com'", "base_url: write an address like"),
        ("base_url = 'https://'", "base_url: write an address like"),
        ("base_url = 'https://[::1'", "base_url: write an address like"),
        ("base_url = 'https://a:99999'", "base_url: write an address like"),
        ("base_url = 'https://a b'", "base_url: write an address like"),
        ('base_url = "https://a\\u0000b"', "base_url: write an address like"),
        ("base_url = 'https://a?b=c'", "base_url: an address has no query"),
        ("base_url = 'https://a#b'", "base_url: an address has no query"),
        ("base_url = 'http://api.example.com'", "base_url: the credential would travel in the clear: write https"),
        ("base_url = 'http://{host}'", "base_url: the credential would travel in the clear: write https"),
        ("base_url = 'https://{host'", "base_url: a brace has no partner"),
        ("variables = { a-b = '' }\n", "variables.a-b: the name of a variable has letters, digits and _ only"),
        ("variables = { ids = '' }\n", "variables.ids: `ids` is taken"),
        ("headers = { 'A B' = 'x' }", "headers.\"A B\": 'A B' is no name of a header"),
        ("headers = { A = '{b}' }", "headers.A: warning: only --set b=… can give `b` a value"),
        (
            "headers = { A = '{id}' }",
            "headers.A: warning: only --set id=… can give `id` a value",
        ),  # keys are of a record
        ("headers = { A = '{fields}' }", "headers.A: `{fields}` is not filled here"),
        (
            "headers = { A = '{@ETag}' }",
            "headers.A: `{@ETag}` stands for what was read; it is filled in `precondition`",
        ),
        ("headers = { A = '{' }", "headers.A: a brace has no partner"),
        ("headers = { A = 'ł' }", "headers.A: the header A cannot hold its value"),
        ("headers = { A = '}{' }", "headers.A: a brace has no partner"),
        ('headers = { A = "x\\r\\nB: y" }', "headers.A: the header A cannot hold its value"),
        ("headers = { A = 'x', a = 'y' }", "headers.a: this header stands there twice"),
        (
            "headers = { Content-Length = '3' }",
            "headers.Content-Length: the header Content-Length cannot be set",
        ),
        ("limits = [{ rate = '100' }]", "limits[0].rate: write requests and the time they may take"),
        ("limits = [{}]", "limits[0]: a limit has either"),
        ("limits = [{ rate = '1/1s', concurrency = 1 }]", "limits[0]: a limit has either"),
        ("limits = [{ rate = '1/1s', per = 'recrod' }]", "limits[0].per: did you mean `record`?"),
        (
            "limits = [{ rate = '1/1s', per = 'zzz' }]",
            "limits[0].per: write one of credential, address, path, record, {id}",
        ),
        ("limit_headers = [{ limit = 'a b', window = '1s' }]", "limit_headers[0].limit: this is no name of a header"),
        ("limit_headers = [{ limit = 'a', window = '1' }]", "limit_headers[0].window: write a number and its unit"),
        ("limit_headers = [{ reset = 'a' }]", "limit_headers[0]: name the header of `limit` or of `remaining`"),
        ("limit_headers = [{ limit = 'a' }]", "limit_headers[0]: warning: without `reset` or `window`"),
        ("errors = { items = ['errors'] }", "errors.items[0]: write a JSON Pointer like /a/b, with ~1"),
        ("errors = { items = ['@X'] }", "errors.items[0]: write a JSON Pointer"),
        ("errors = { message = '/~2' }", "errors.message: write a JSON Pointer"),
        ("errors = { request_id = '@X Y' }", "errors.request_id: this is no name of a header"),
        ("idempotency_key = 'a b'", "idempotency_key: this is no name of a header"),
        ("idempotency_key = 'X-K'\nheaders = { x-k = '1' }", "idempotency_key: this header has a fixed value"),
        ("auth = { header = 'a:' }", "auth.header: this is no name of a header"),
        ("auth = { type = 'basic', prefix = 'Basic ' }", "auth.prefix: remove it"),
        ("auth = { scopes = ['a'] }", 'auth.scopes: only type = "oauth2_client_credentials" asks for tokens'),
        ("auth = { type = 'oauth2_client_credentials' }", "auth.token_url: it is missing"),
        (f"{OAUTH}, scopes = ['a b'] }}", "auth.scopes[0]: one scope an element"),
        (f"{OAUTH}, scopes = [''] }}", "auth.scopes[0]: one scope an element"),
        (f"{OAUTH}, scopes = ['{{'] }}", "auth.scopes[0]: a brace has no partner"),
        (f"{OAUTH}, params = {{ audience = '{{' }} }}", "auth.params.audience: a brace has no partner"),
        (f"{OAUTH}, variables = {{ a-b = '/a' }} }}", "auth.variables.a-b: the name of a variable"),
        (f"{OAUTH}, variables = {{ a = 'a' }} }}", "auth.variables.a: write a JSON Pointer"),
        (f"{OAUTH.replace('https', 'http')} }}", "auth.token_url: the credential would travel in the clear"),
    ],
)
def test_what_is_wrong_is_told_at_its_key(top: str, says: str) -> None:
    found = [each for each in said(top) if "no text of this description" not in each]
    assert begins(found, says), found


def test_a_variable_that_nothing_uses_is_a_warning_with_the_name_that_was_meant() -> None:
    found = said("base_url = 'https://a/{verison}'\nvariables = { version = 'v1', z = '' }")
    assert found == [
        "variables.version: warning: no text of this description has `{version}`; did you mean `verison`?",
        "variables.z: warning: no text of this description has `{z}`",
    ]


@pytest.mark.parametrize(
    ("rules", "dead"),
    [
        (["", "status = [429]"], True),
        (["", ""], True),
        (["status = [429]", "status = [429]"], True),
        (["status = [403, 429]", "status = [429]"], True),
        (["status = [429]", "status = [403, 429]"], False),
        (["status = [429]", ""], False),
        (["code = 'a'", "code = 'a'\nstatus = [400]"], True),
        (["code = 'a'", "code = 'b'"], False),
        (["text = 'limit'", "text = 'Rate LIMIT'"], True),
        (["text = 'rate limit'", "text = 'limit'"], False),
        (["header = { a = '*' }", "header = { A = '1' }"], True),
        (["header = { a = '1' }", "header = { A = '1', b = '2' }"], True),
        (["header = { a = '1' }", "header = { a = '*' }"], False),
        (["header = { a = '*' }", "header = { b = '1' }"], False),
        (["body = { '/a' = 1 }", "body = { '/a' = 1, '/b' = 2 }"], True),
        (["body = { '/a' = 1 }", "body = { '/a' = true }"], False),
        (["", "body = { '/a' = 1 }"], False),  # the second counts for a 2xx, too
        (["", "body = { '/a' = 1 }\nstatus = [200]"], False),
        (["", "body = { '/a' = 1 }\nstatus = [400]"], True),
        (["", "status = [302]"], False),  # without a status, a rule is about failures
        (["body = { '/a' = 1 }", "body = { '/a' = 1 }\nstatus = [200, 500]"], True),
        (["header = { a = 'X' }", "header = { a = 'x' }"], True),
        (["status = [200]", "body = { '/a' = 1 }\nstatus = [200]"], True),
    ],
)
def test_a_rule_that_never_counts_is_a_warning(rules: list[str], dead: bool) -> None:
    top = "".join(f"[[error_rules]]\nmeans = 'retry'\n{rule}\n" for rule in rules)
    warning = "error_rules[1]: warning: it never counts: rule 1 takes whatever it takes; move it up, or remove it"
    assert said(top) == ([warning] if dead else [])


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("status = [99]", "status[0]: a status of HTTP is between 100 and 599"),
        ("status = [400, 600]", "status[1]: a status of HTTP is between 100 and 599"),
        ("header = { 'a b' = '*' }", 'header."a b": this is no name of a header'),
        ("header = { a = '*', A = '1' }", "header.A: this header stands there twice"),
        ("body = { 'a' = 1 }", "body.a: write a JSON Pointer"),
        ("scope = 'path'", "scope: write one of credential, record, {id}"),
    ],
)
def test_a_rule_is_checked_wherever_it_stands(rule: str, says: str) -> None:
    assert begins(said(f"[[error_rules]]\nmeans = 'retry'\n{rule}\n"), f"error_rules[0].{says}")
    own = f"[[resources.t.error_rules]]\nmeans = 'retry'\n{rule}\n"
    assert begins(said("", own), f"resources.t.error_rules[0].{says}")


def test_a_variable_that_only_the_user_can_give_is_a_warning_with_the_name_that_was_meant() -> None:
    found = said("headers = { A = '{verison}' }\nbase_url = 'https://a/{version}'\nvariables = { version = '1' }")
    assert found == ["headers.A: warning: only --set verison=… can give `verison` a value; did you mean `{version}`?"]


def test_a_problem_is_told_once() -> None:
    found = said("auth = { type = 'oauth2_client_credentials', token_url = 'https://{a' }\nbase_url = 'https://{a'")
    assert begins(found, "auth.token_url: a brace", "base_url: a brace")
