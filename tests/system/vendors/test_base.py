"""What the fakes share: windows, patches, and a judge that tells when it fails itself."""

import pytest

from tests.system.vendors.base import (
    Call,
    FakeVendor,
    FixedWindow,
    ManualClock,
    PatchFailed,
    Reply,
    RollingWindow,
    Route,
    TokenBucket,
    json_patch,
    merge_patch,
)
from tests.system.vendors.client import driving


def test_windows_count_in_their_own_ways() -> None:
    fixed, rolling, bucket = FixedWindow(2, 10.0), RollingWindow(2, 10.0), TokenBucket(2, 0.5)
    for window in (fixed, rolling, bucket):
        assert [window.take(100.0), window.take(104.0), window.take(104.0)] == [True, True, window is bucket]
    assert (fixed.resets_in(104.0), rolling.resets_in(104.0), bucket.resets_in(104.0)) == (6.0, 6.0, 2.0)
    assert (fixed.remaining(110.0), rolling.remaining(110.0), bucket.remaining(110.0)) == (2, 1, 2)


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [  # cases of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, "bar", "bar"),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches(target: object, patch: object, merged: object) -> None:
    assert merge_patch(target, patch) == merged


@pytest.mark.parametrize(
    ("target", "operations", "patched"),
    [  # cases of RFC 6902, appendix A
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["all", "grass"]}, [{"op": "move", "from": "/foo/0", "path": "/foo/1"}], {"foo": ["grass", "all"]}),
        ({"foo": None}, [{"op": "test", "path": "/foo", "value": None}], {"foo": None}),
        ({"a/b": {"~": 1}}, [{"op": "replace", "path": "/a~1b/~0", "value": 2}], {"a/b": {"~": 2}}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["x"]}], {"foo": ["bar", ["x"]]}),
        ({"a": 1}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": 1, "b": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {}}], {}),
    ],
)
def test_json_patches(target: object, operations: object, patched: object) -> None:
    assert json_patch(target, operations) == patched


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"},
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "path": "/x/y", "value": 1}],
        [{"op": "remove", "path": "/x"}],
        [{"op": "replace", "path": "/x", "value": 1}],
        [{"op": "test", "path": "/a", "value": 2}],
        [{"op": "add", "path": "/list/3", "value": 1}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "twist", "path": "/a"}],
    ],
)
def test_json_patches_that_cannot_be(operations: object) -> None:
    with pytest.raises(PatchFailed):
        json_patch({"a": 1, "list": [0]}, operations)


class Broken(FakeVendor):
    """A fake with a mistake in it."""

    def routes(self) -> list[Route]:
        return [("GET", "/{id}", self._one)]

    async def _one(self, call: Call) -> Reply:
        raise KeyError(call.args["id"])


async def test_a_fake_that_fails_says_so() -> None:
    fake = Broken({}, clock=ManualClock())
    with pytest.raises(AssertionError, match="the judge itself failed: request 1, GET /a%20b: KeyError"):
        async with driving(fake) as send:
            assert (await send("GET", "/a%20b")).status == 500
