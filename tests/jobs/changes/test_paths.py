import pytest

from jobs.changes.paths import is_within, place_of
from jobs.model import Path


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("attributes", "a"), ("attributes", "a")),
        (("attributes", "metadata", "a.b"), ("attributes", "metadata", "a.b")),
        (("attributes", "a.b", "c"), ("attributes", "a", "b", "c")),
        (("attributes", "/a.b", "c.d"), ("attributes", "a.b", "c.d")),
        (("relationships", "a.b"), ("relationships", "a.b")),
        (("tags", "a.b"), ("tags", "a.b")),
    ],
)
def test_a_place_is_a_path_step_by_step(path: Path, place: Path) -> None:
    assert place_of(path) == place


def test_a_part_is_within_a_whole() -> None:
    wholes = {("attributes", "a", "b")}
    assert is_within(("attributes", "a", "b"), wholes)
    assert is_within(("attributes", "a", "b", "c"), wholes)
    assert not is_within(("attributes", "a"), wholes)
    assert not is_within(("attributes", "a", "bc"), wholes)
