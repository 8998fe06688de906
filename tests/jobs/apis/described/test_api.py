import pytest

from jobs.apis.described.api import described
from jobs.apis.description import keys
from jobs.apis.meanings import Meaning
from jobs.model import Fields, Reply, Request
from tests.jobs.apis.described.kit import description


def test_a_description_makes_an_api() -> None:
    made = description({"headers": {"Notion-Version": "{v}", "Accept": "application/vnd.x"}, "idempotency_key": "Key"})
    api = described(made, {"v": "1"}, "https://a.example/v2/")
    assert (api.name, api.page, api.key_page, api.idempotency_header) == ("x", 1, 1, "Key")
    assert api.headers == {"Accept": "application/vnd.x", "Notion-Version": "1"}
    assert api.auth.needs == (("token",),)
    assert api.key_pages(["a", "b"], 9) == [["a"], ["b"]]
    assert api.windows("https://a.example", reads=False) == ()
    assert not api.counts_by_address("https://a.example")


def test_a_header_whose_variable_is_not_set_is_left_out() -> None:
    made = description({"headers": {"Account": "{account}", "A": "b"}, "variables": {"account": ""}})
    assert described(made, {}, "").headers == {"Accept": "application/json", "A": "b"}


def test_a_request_begins_with_the_path_of_the_base_url() -> None:
    api = described(description(), {}, "https://a.example/v2/")
    assert api.resource("things").read_one("7", None).target == "/v2/things/7"
    assert api.resource("things") is api.resource("things")


def test_what_a_reply_means_is_said_by_the_rules_of_its_type() -> None:
    rule = {"status": [400], "means": "not_found"}
    api = described(description({"error_rules": [{"status": [400], "means": "locked"}]}, error_rules=[rule]), {}, "")
    assert api.meaning(Request("PATCH", "/", about="things"), Reply(400, {})) is Meaning.NOT_FOUND


def test_a_request_is_counted_by_its_record_and_its_variables() -> None:
    limits = [{"rate": "100/60s"}, {"rate": "5/1s", "per": "{base}"}, {"rate": "9/1h", "per": "record"}]
    made = description(
        {"limits": limits, "error_rules": [{"means": "slow_down", "scope": "{base}"}]}, path="/{base}/{id}"
    )
    api = described(made, {}, "https://a.example")
    assert (api.limits.together, api.limits.reads.rates) == (True, ((100, 60.0),))
    key = keys.key_of(("b1", "r1"))
    assert api.scopes("things", key, reads=False) == ((0, "b1"), (1, f"things {key}"))
    assert api.scopes("things", "", reads=True) == ()
    assert api.resource("things").scope_of(Reply(429, {})) == "{base}"


def test_the_star_makes_a_resource_of_every_name() -> None:
    star = {
        "path": "/{type}/{id}",
        "headers": {"X-Type": "{type:upper}"},
        "read_many": {"path": "/{type}", "query": {"fields[{type}]": "{fields}", "id": "{ids}"}, "max_ids": 7},
    }
    made = description({"resources": {"things": {"path": "/t/{id}"}, "*": star}})
    api = described(made, {}, "https://a.example/v2")
    cars = api.resource("cars")
    assert (cars.name, api.page) == ("cars", 7)
    read = cars.read(["1", "2"], Fields(frozenset({"name"})))
    assert read.target == "/v2/cars?fields[cars]=name&id=1,2"
    assert (read.headers, read.about) == ({"X-Type": "CARS"}, "cars")
    assert api.resource("things").read_one("1", None).target == "/v2/t/1"
    assert api.scopes("cars", "1", reads=True) == ()
    for name in ("*", "", "..", "a/b"):
        with pytest.raises(KeyError):
            api.resource(name)


def test_types_of_any_name_are_not_remembered_for_ever() -> None:
    api = described(description({"resources": {"*": {"path": "/{type}/{id}"}}}), {}, "")
    for number in range(1_100):
        assert api.resource(f"t{number}").read_one("1", None).target == f"/t{number}/1"
    assert len(api._resources) < 1_024


@pytest.mark.parametrize(
    ("renew_on", "headers", "means"),
    [
        ("401", {}, Meaning.TOKEN_REFUSED),
        ("invalid_token", {}, Meaning.NOT_AUTHORIZED),
        ("invalid_token", {"www-authenticate": "Bearer"}, Meaning.TOKEN_REFUSED),
    ],
)
def test_a_401_refuses_the_token_always_or_if_it_says_so(
    renew_on: str, headers: dict[str, str], means: Meaning
) -> None:
    api = described(description({"auth": {"renew_on": renew_on}}), {}, "")
    assert api.meaning(Request("GET", "/things/7", about="things"), Reply(401, headers, b"")) is means
