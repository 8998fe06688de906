"""The judge itself: each kind of untrue statement is found, and a true one is not."""

from typing import Any

import pytest

from tests.system.strangers import judge, vendor
from tests.system.strangers.judge import GONE, ONCE, Aim

BEFORE = {"a": {"reference": "old", "fired": 0, "metadata": {"owner": "erp", "batch": 1}}}
WANTED = {"a": {"reference": "new", "fired": 0, "metadata": {"owner": "erp", "batch": 2}}}
AIM = Aim("a", {("reference",): "new", ("metadata", "batch"): 2})


def results(*statuses: str, reason: str = "") -> list[dict[str, str]]:
    return [{"__row": str(place), "__status": status, "__reason": reason} for place, status in enumerate(statuses, 1)]


@pytest.mark.parametrize(
    ("status", "after", "untrue"),
    [
        ("applied", WANTED, 0),
        ("applied", BEFORE, 1),
        ("applied", {"a": WANTED["a"] | {"metadata": {"batch": 2}}}, 1),  # somebody's key is gone
        ("applied", {"a": WANTED["a"] | {"metadata": {"owner": "erp", "batch": "2"}}}, 1),
        ("failed", BEFORE, 0),
        ("failed", WANTED, 1),
        ("rejected", WANTED, 1),
        ("unknown", WANTED, 0),
        ("unknown", BEFORE, 0),
        ("unknown", {"a": {"reference": "third"}}, 1),
        ("unchanged", BEFORE, 1),
        ("pending", BEFORE, 0),
    ],
)
def test_a_result_is_compared_with_the_whole_record(status: str, after: dict[str, Any], untrue: int) -> None:
    assert len(judge.of_apply("apply", [AIM], results(status), BEFORE, after)) == untrue


def test_rows_of_one_record_count_in_their_order() -> None:
    aims = [AIM, Aim("a", {("reference",): "last", ("metadata", "batch"): GONE})]
    after = {"a": {"reference": "last", "fired": 0, "metadata": {"owner": "erp"}}}
    assert judge.of_apply("apply", aims, results("applied", "applied"), BEFORE, after) == []
    assert len(judge.of_apply("apply", aims[::-1], results("applied", "applied"), BEFORE, after)) == 1


def test_a_trigger_that_fired_twice_is_found() -> None:
    aim = Aim("a", {("fired",): ONCE})
    once, twice = ({"a": BEFORE["a"] | {"fired": times}} for times in (1, 2))
    for status in ("applied", "unknown"):
        assert judge.of_apply("apply", [aim], results(status), BEFORE, once) == []
        assert len(judge.of_apply("apply", [aim], results(status), BEFORE, twice)) == 1


def test_a_missing_result_and_a_record_said_to_be_missing_are_found() -> None:
    assert judge.of_apply("apply", [AIM, AIM], results("applied"), BEFORE, WANTED)
    assert judge.of_apply("apply", [AIM], results("rejected", reason="not_found"), BEFORE, BEFORE)
    assert judge.of_apply("apply", [Aim("b", {})], results("applied"), BEFORE, BEFORE)
    assert judge.of_apply("apply", [Aim("b", {})], results("rejected", reason="not_found"), BEFORE, BEFORE) == []


def test_a_row_that_ends_with_a_token_is_found() -> None:
    ended = [
        each | {"__http": http} for each, http in zip(results("rejected", "rejected"), ("401", "422"), strict=True)
    ]
    assert [each.place for each in judge.of_tokens("apply", ended)] == ["row 1"]


RETRIED = {"reference": "last", "fired": 0, "metadata": {"owner": "erp"}}


@pytest.mark.parametrize(
    ("then", "now", "after", "untrue"),
    [
        # the first was refused, and the second found nothing to clear: a retry leaves out what the later ones set
        (("rejected", "unchanged", "applied"), ("applied", "unchanged", "applied"), RETRIED, 0),
        (("rejected", "unchanged", "applied"), ("rejected", "unchanged", "applied"), RETRIED, 0),
        (("rejected", "unchanged", "applied"), ("applied", "unchanged", "applied"), RETRIED | WANTED["a"], 1),
        (("unknown", "unchanged", "applied"), ("applied", "unchanged", "applied"), RETRIED, 0),
        (("unknown", "applied", "applied"), ("unknown", "applied", "applied"), RETRIED, 0),
        (("rejected", "rejected", "applied"), ("applied", "applied", "applied"), RETRIED, 0),
        (("applied", "applied", "rejected"), ("applied", "applied", "applied"), RETRIED, 0),
        (("applied", "unchanged", "applied"), ("applied", "unchanged", "applied"), RETRIED, 1),  # the key was there
    ],
)
def test_a_retry_is_judged_as_the_last_that_came(
    then: tuple[str, ...], now: tuple[str, ...], after: dict[str, Any], untrue: int
) -> None:
    before = {"a": BEFORE["a"] | {"metadata": {"owner": "erp"}}}
    aims = [AIM, Aim("a", {("metadata", "batch"): GONE}), Aim("a", {("reference",): "last"})]
    found = judge.of_apply("retry", aims, results(*now), before, {"a": after}, first=results(*then))
    assert len(found) == untrue


def test_a_trigger_in_doubt_that_a_retry_fired_again_is_found() -> None:
    aim = Aim("a", {("fired",): ONCE})
    for times, untrue in ((1, 0), (2, 1)):
        after = {"a": BEFORE["a"] | {"fired": times}}
        found = judge.of_apply("retry", [aim], results("applied"), BEFORE, after, first=results("unknown"))
        assert len(found) == untrue


def findings(*ids: str, finding: str = "differs") -> list[dict[str, str]]:
    return [{"id": each, "finding": finding} for each in ids]


def test_a_verify_that_names_others_than_differ_is_found() -> None:
    assert judge.of_verify("verify", findings("a"), ["a"]) == []
    assert len(judge.of_verify("verify", findings("a"), ["b"])) == 2
    assert len(judge.of_verify("verify", findings("a", finding="gone"))) == 1


def test_a_verify_says_which_doubts_did_not_land() -> None:
    taken = findings("a", finding="not taken")
    assert judge.of_verify("verify", taken, without=["a"]) == []
    assert [each.said for each in judge.of_verify("verify", taken)] == ["not taken"]
    assert [each.said for each in judge.of_verify("verify", findings("a"), without=["a"])] == ["differs"]
    assert [each.said for each in judge.of_verify("verify", [], without=["a"])] == ["holds"]
    assert judge.of_verify("verify", [*taken, *findings("a")], ["a"], ["a"]) == []  # and somebody has changed it
    assert judge.of_verify("verify", findings("a"), ["a"], ["a"]) == []
    assert len(judge.of_verify("verify", taken, ["a"], ["a"])) == 1


@pytest.mark.parametrize(
    ("status", "now", "missing"),
    [("unknown", BEFORE, {"a"}), ("unknown", WANTED, set()), ("applied", BEFORE, set()), ("rejected", BEFORE, set())],
)
def test_a_doubt_that_did_not_land_is_seen_in_the_store(status: str, now: dict[str, Any], missing: set[str]) -> None:
    aim = Aim("a", {**AIM.sets, ("fired",): ONCE})
    assert judge.without([aim], results(status), now) == missing
    refused = Aim("a", {("reference",): "last"})  # and wanted nothing of the record
    assert judge.without([aim, refused], results(status, "rejected"), now) == missing


@pytest.mark.parametrize(
    ("statuses", "after", "taken", "untrue"),
    [
        ({"a": "applied"}, BEFORE, frozenset(), 0),
        ({"a": "applied"}, WANTED, frozenset(), 1),
        ({"a": "conflict"}, WANTED, frozenset(), 1),  # nobody has changed it
        ({"a": "conflict"}, WANTED, frozenset({"a"}), 0),
        ({"a": "failed"}, BEFORE, frozenset(), 1),
        ({}, WANTED, frozenset(), 1),  # forgotten
    ],
)
def test_an_undo_is_compared_with_the_record(
    statuses: dict[str, str], after: dict[str, Any], taken: frozenset[str], untrue: int
) -> None:
    stores = judge.Undoing(BEFORE, WANTED, after, taken, frozenset())
    assert len(judge.of_undo("undo", statuses, stores, {"a": {"applied"}})) == untrue


def test_the_vendors_declarations_become_a_schema(tmp_path: Any) -> None:
    declared = """interface CarUpdate extends ResourceUpdate {
    /**
     * Its name.
     * @example ```"red one"```
     */
    name?: string | null;
    unit?: 'gr' | 'oz' | null;
    owner?: OwnerRel$1 | null;
    tags?: TagRel[] | null;
}
type CarType = 'cars';
type OwnerType = 'owners';
type TagType = 'tags';
type OwnerRel$1 = ResourceRel & {
    type: OwnerType;
};
type TagRel = ResourceRel & {
    type: TagType;
};
"""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "api-x.d.ts").write_text(declared)
    fields = {field.name: field for field in vendor.types(tmp_path)["cars"]}
    assert fields["name"].value() == "red one"
    assert fields["unit"].schema()["enum"] == ["gr", "oz"]
    assert (fields["owner"].links, fields["owner"].many) == (("owners",), False)
    assert (fields["tags"].links, fields["tags"].many) == (("tags",), True)
    body = vendor.openapi({"cars": list(fields.values())}, "204")["paths"]["/api/cars/{id}"]["patch"]["requestBody"]
    data = body["content"][vendor.KIND]["schema"]["properties"]["data"]
    assert data["required"] == ["type", "id", "attributes"]
    assert set(data["properties"]["attributes"]["properties"]) == {
        "name",
        "unit",
        "reference",
        "reference_origin",
        "metadata",
    }
