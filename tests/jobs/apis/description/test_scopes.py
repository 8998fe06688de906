from jobs.apis.description.loading import load
from jobs.apis.description.scopes import declared, holes_in, key_variables, named_in, settable

API = load(
    """
name = "x"
base_url = "https://{region}.example.com/{version}"
variables = { version = "v1", tenant = "" }
notes = ["{not_used}"]
[auth]
type = "oauth2_client_credentials"
token_url = "https://{tenant}.example.com/token"
params = { audience = "{instance}" }
variables = { instance = "/instance_url" }
[resources.t]
path = "/{region}/{owner}/{id:lower}?v={version}"
""",
    "x",
)


def test_the_key_of_a_record_is_what_its_path_names_without_what_says_where_requests_go() -> None:
    assert key_variables(API, API.resources["t"]) == ("owner", "id")


def test_every_request_may_use_what_has_one_value_for_a_run() -> None:
    assert declared(API) == {"region", "version", "tenant", "instance"}


def test_what_the_address_needs_and_has_no_value_must_be_set() -> None:
    assert settable(API) == ("region", "tenant")


def test_holes_are_found_in_every_text_of_a_value() -> None:
    value = {"{a}": "{x}", "b": ("{/y}", ["{z:lower}", "{{w}}", 3]), "c": True}
    assert [each.name for each in holes_in(value)] == ["a", "x", "/y", "z", "w"]
    assert named_in(value) == {"a", "x", "/y", "z", "w"}
