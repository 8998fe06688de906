"""The file of a quota: what it keeps, and that nothing wrong with it does harm."""

import math
import os
from pathlib import Path

import pytest

from worker.pacing.quota_file import (
    LEAST_CAPACITY,
    MOST_INFERRED,
    MOST_WINDOWS,
    Entry,
    Header,
    KnownLimits,
    PaceMemory,
    Stamp,
)
from worker.policy.pace import Window

LIMITS = KnownLimits((Window(100, 60.0), Window(25, 10.0)), (Window(7, 1.0),), 10_600.0)


def memory(directory: Path, *, credential: str = "", method: str = "PATCH") -> PaceMemory:
    return PaceMemory(directory, "https://a.example", credential, method)


def opened(directory: Path) -> PaceMemory:
    found = memory(directory)
    found.open()
    return found


def written(directory: Path) -> PaceMemory:
    """A file with two limits, one process, three responses."""
    found = opened(directory)
    header = Header(used=1, version=1, saved_at=10_000.0)
    found.write_limits(LIMITS)
    found.write_entry(0, Entry(7, 100, 10_000.0, 2, 1, 1))
    found.append(header, [Stamp(9_990.0 + number, 7, 100) for number in range(3)])
    found.write_header(header)
    return found


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written(tmp_path).close()
    found = opened(tmp_path)
    header = found.header()
    assert found.limits() == LIMITS
    assert header == Header(used=1, version=1, head=3, saved_at=10_000.0)
    assert found.entries(header) == [Entry(7, 100, 10_000.0, 2, 1, 1)]
    assert [stamp.at for stamp in found.stamps(header, 1)] == [9_991.0, 9_992.0]


@pytest.mark.parametrize(
    ("credential", "method", "origin"),
    [
        ("other", "PATCH", "https://a.example"),
        ("", "GET", "https://a.example"),
        ("", "PATCH", "https://b.example"),
    ],
)
def test_origins_credentials_and_methods_have_files_of_their_own(
    tmp_path: Path, credential: str, method: str, origin: str
) -> None:
    assert PaceMemory(tmp_path, origin, credential, method).path != memory(tmp_path).path


def test_the_ring_goes_round_and_holds_the_latest(tmp_path: Path) -> None:
    found, header = opened(tmp_path), Header()
    for at in range(0, 3 * LEAST_CAPACITY, 1000):
        found.append(header, [Stamp(float(at + number), 7, 0) for number in range(1000)])
    held = [stamp.at for stamp in found.stamps(header, 0)]
    assert held == [float(at) for at in range(header.head - LEAST_CAPACITY, header.head)]


def test_a_larger_limit_makes_the_ring_grow_and_nothing_is_lost(tmp_path: Path) -> None:
    found, header = opened(tmp_path), Header()
    found.append(header, [Stamp(float(at), 7, 0) for at in range(LEAST_CAPACITY + 10)])
    before = found.stamps(header, 0)
    found.grow(header, 5 * LEAST_CAPACITY)
    assert header.capacity >= 10 * LEAST_CAPACITY
    assert found.stamps(header, 0) == before


def test_no_more_is_remembered_of_limits_than_fits(tmp_path: Path) -> None:
    found = written(tmp_path)
    many = [Window(number + 1, 60.0) for number in range(2 * MOST_WINDOWS)]
    found.write_limits(KnownLimits(tuple(many), tuple(many), 1.0))
    assert found.limits() == (tuple(many[:MOST_WINDOWS]), tuple(many[:MOST_INFERRED]), 1.0)
    assert found.entries(found.header()) == [Entry(7, 100, 10_000.0, 2, 1, 1)]


@pytest.mark.parametrize(
    "content",
    [
        b"",  # an empty file
        b"{",  # something else
        b"rowpace1",  # cut short
        b"rowpace1" + b"\xff" * 40,  # a header of nonsense
        b"rowpace2" + b"\x00" * 4000,  # another version's
        b"rowpace1" + b"\xff" * 9000,
    ],
)
def test_a_file_that_cannot_be_understood_is_as_none(tmp_path: Path, content: bytes) -> None:
    found = opened(tmp_path)
    found.path.write_bytes(content)
    header = found.header()
    assert header == Header()
    assert (found.limits(), found.entries(header), found.stamps(header, 0)) == (KnownLimits(), [], [])


def test_limits_and_times_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    found = written(tmp_path)
    bad = (Window(0, 60.0), Window(5, -1.0), Window(5, math.nan), Window(5, math.inf), Window(9, 1.0))
    found.write_limits(KnownLimits(bad, bad[2:], math.nan))
    header = found.header()
    found.append(header, [Stamp(math.nan, 7, 0), Stamp(math.inf, 7, 0), Stamp(9_999.0, 7, 0)])
    assert found.limits() == ((Window(9, 1.0),), (Window(9, 1.0),), 0.0)
    assert [stamp.at for stamp in found.stamps(header, 3)] == [9_999.0]


def test_a_file_is_held_by_one_at_a_time_and_nobody_waits(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.lock()
    assert not second.lock()
    first.close()  # as a kill does
    assert second.lock()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o377])
def test_the_file_is_its_owners_only_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    state = tmp_path / "state"
    before = os.umask(umask)
    try:
        found = written(state)
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (state, found.path.parent, found.path)]
    assert modes == [0o700, 0o700, 0o600]


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    found, precious = memory(tmp_path), tmp_path / "precious"
    precious.write_text("mine")
    found.path.parent.mkdir()
    found.path.symlink_to(precious)
    with pytest.raises(OSError, match="symbolic"):
        found.open()
    assert (found.limits(), precious.read_text()) == (KnownLimits(), "mine")
