from jobs.apis.described.loading import load
from jobs.apis.described.scopes import address_variables, declared, key_variables, settable, used

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


def test_no_variable_of_the_address_or_the_credential_comes_from_a_column() -> None:
    assert address_variables(API) == {"region", "version", "tenant", "instance"}
    assert declared(API) == {"region", "version", "tenant", "instance"}


def test_what_the_address_needs_and_has_no_value_must_be_set() -> None:
    assert settable(API) == ("region", "tenant")


def test_what_a_note_says_is_no_use() -> None:
    assert used(API) == {"region", "version", "tenant", "instance", "owner", "id"}
