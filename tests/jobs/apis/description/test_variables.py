"""Variables of a description: found wherever they stand, and unable to lead a credential elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis import catalogue
from jobs.apis.description.variables import (
    base_url,
    constants,
    fixed_variables,
    missing,
    names_in,
    variables_of,
    variables_of_auth,
)
from tests.desk_api import DESK, desk

EVERYWHERE = """
name = "x"
verified = "{verified}"
notes = ["{notes}"]
base_url = "https://{host}/{v:lower}"
variables = { unused = "" }
headers = { "X-{key}" = "{header}" }
auth = { type = "oauth2_client_credentials", token_url = "https://{tenant}/t", params = { audience = "{who}" } }

[resources.things]
path = "/{owner}/{email:lower:md5}"
settle_s = 3.0

[resources.things.read_many]
method = "POST"
path = "/many"
body = { all = [{ id = "{ids}", in = "{inner}", n = 1 }], names = ["{fields}"] }
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("/plain", ()),
        ("/{a}/{b}/{a}", ("a", "b")),  # each once, in their order
        ("/{email:lower:md5}", ("email",)),  # with transforms
        ("{/updated_at} {@ETag} {1} {a-b} {}", ()),  # a pointer, a header, no names
        ("OR({ids})", ("ids",)),
    ],
)
def test_a_variable_is_a_name_in_braces(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


def test_variables_are_found_wherever_a_request_is_made_of_them() -> None:
    own = {"host", "v", "unused", "key", "header", "tenant", "who", "owner", "email", "inner"}
    assert variables_of(desk(EVERYWHERE)) == own


def test_no_cell_sets_what_decides_where_a_credential_is_sent() -> None:
    description = desk(EVERYWHERE)
    assert fixed_variables(description) == {"host", "v", "tenant", "who"}
    assert variables_of_auth(description) == ("tenant", "who")
    granted = desk(DESK.replace('type = "bearer"', 'variables = { place = "/instance_url" }'))
    assert "place" in fixed_variables(granted)


def test_a_value_that_was_given_goes_before_the_default() -> None:
    assert constants(desk(), {"subdomain": "acme"}) == {"region": "eu", "subdomain": "acme"}
    assert constants(desk(), {"region": "us"}) == {"region": "us"}
    assert constants(desk(), {"region": ""}) == {}  # not set


def test_an_empty_value_is_none() -> None:
    assert missing(("a", "b", "c"), {"a": "1", "b": ""}) == ("b", "c")


@pytest.mark.parametrize(
    ("template", "values", "url"),
    [
        ("", {}, ""),
        ("https://api.desk.example", {}, "https://api.desk.example"),
        ("https://{a}.desk.example/{b}", {"a": "acme", "b": "v 2"}, "https://acme.desk.example/v%202"),
        ("https://{a}/api", {"a": "desk.example:8443"}, "https://desk.example:8443/api"),
        ("{a}/api", {"a": "https://eu1.desk.example"}, "https://eu1.desk.example/api"),  # a whole address
        ("https://{a}.desk.example", {"a": "evil.example/x?"}, "https://evil.example%2Fx%3F.desk.example"),
        ("https://{a}.desk.example", {"a": "me@evil.example#"}, "https://me%40evil.example%23.desk.example"),
    ],
)
def test_a_base_url_is_filled(template: str, values: dict[str, str], url: str) -> None:
    described = desk(DESK.replace('"https://{subdomain}.desk.example/{region}/api"', f'"{template}"'))
    assert base_url(described, values) == url


@given(st.text())
def test_no_value_leaves_the_host_of_the_description(value: str) -> None:
    encodable = value.encode(errors="replace").decode()
    url = base_url(desk(), {"subdomain": encodable, "region": encodable})
    assert url.split("/")[2].endswith(".desk.example")
    assert not set("?#@\\") & set(url)


def test_the_code_of_commerce_layer_takes_keys_from_columns_alone() -> None:
    assert variables_of(catalogue.description("commercelayer")) == {"organization"}
