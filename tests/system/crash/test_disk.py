"""The model of a disk that `make hunt NAME=powerloss` judges by, and how a trace is read."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.system.crash.disk import SECTOR, Disk
from tests.system.crash.strace import (
    Event,
    Heard,
    Left,
    Made,
    Opened,
    Removed,
    Renamed,
    Resized,
    SyncBegun,
    SyncEnded,
    Written,
)
from tests.system.crash.strace import events as read_events

ROOT = Path("/disk")
FILE, OTHER = ROOT / "a", ROOT / "b"


def synced(path: Path, number: int = 1) -> list[Event]:
    return [SyncBegun(path, number), SyncEnded(path, number)]


FOLDER: list[Event] = [Opened(ROOT, made=False, emptied=False), *synced(ROOT, 99)]
NEW: list[Event] = [Opened(FILE, made=True, emptied=True), Written(FILE, None, b"one")]


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        ([*NEW, *synced(FILE)], {}),  # its bytes are durable, its name is not
        ([*NEW, *FOLDER], {"a": b""}),  # its name is, its bytes are not
        ([*NEW, *synced(FILE), *FOLDER], {"a": b"one"}),
        ([*NEW, *synced(FILE), *FOLDER, Written(FILE, 1, b"xx")], {"a": b"one"}),
        ([*NEW, SyncBegun(FILE, 1), Written(FILE, None, b"two"), SyncEnded(FILE, 1), *FOLDER], {"a": b"one"}),
        ([*NEW, SyncBegun(FILE, 1), *FOLDER], {"a": b""}),  # the sync was under way
        ([*NEW, *synced(FILE), *FOLDER, Renamed(FILE, OTHER)], {"a": b"one"}),
        ([*NEW, *synced(FILE), *FOLDER, Renamed(FILE, OTHER), *FOLDER], {"b": b"one"}),
        ([*NEW, *synced(FILE), *FOLDER, Removed(FILE)], {"a": b"one"}),
        ([*NEW, *synced(FILE), *FOLDER, Removed(FILE), *FOLDER], {}),
        ([*NEW, Resized(FILE, 5), *synced(FILE), *FOLDER], {"a": b"one\0\0"}),
        ([Made(ROOT / "d"), Opened(ROOT / "d" / "a", made=True, emptied=True), *FOLDER], {}),  # not the folder in it
    ],
)
def test_only_what_was_synced_survives(happened: Sequence[Event], left: dict[str, bytes]) -> None:
    disk = Disk(ROOT)
    for event in happened:
        disk.happen(event)
    assert disk.after_power_loss() == {Path(name): content for name, content in left.items()}


def test_of_what_was_not_synced_any_sectors_may_survive_and_a_rename_is_whole_or_not_at_all() -> None:
    disk = Disk(ROOT)
    new: list[Event] = [Opened(FILE, made=True, emptied=True), Written(FILE, None, b"1" * 2 * SECTOR)]
    for event in [*new, *synced(FILE), *FOLDER, Written(FILE, 0, b"2" * 2 * SECTOR), Renamed(FILE, OTHER)]:
        disk.happen(event)
    found = [disk.after_power_loss(Random(seed)) for seed in range(60)]
    assert {tuple(map(str, files)) for files in found} == {("a",), ("b",)}
    contents = {content[::SECTOR] for files in found for content in files.values()}
    assert contents == {b"11", b"12", b"21", b"22"}


def test_a_trace_is_read_as_what_happened_below_the_folder(tmp_path: Path) -> None:
    def text(value: str) -> str:
        return '"' + "".join(f"\\x{byte:02x}" for byte in value.encode()) + '"'

    trace = tmp_path / "trace"
    trace.write_text(
        "\n".join(
            [
                f"7 openat(AT_FDCWD, {text('/elsewhere')}, O_RDONLY) = 3",
                f"7 openat(AT_FDCWD, {text('a')}, O_WRONLY|O_CREAT|O_TRUNC, 0600) = 4",
                f"7 write(4, {text('one')}, 3) = 3",
                "8 fdatasync(4 <unfinished ...>",
                f"7 pwrite64(4, {text('two')}, 3, 8192) = 3",
                "8 <... fdatasync resumed>)          = 0",
                f"7 sendto(9, {text('PATCH /api/x/1 HTTP/1.1')}, 23, 0, NULL, 0) = 23",
                f"7 sendto(9, {text('GET /api/x HTTP/1.1')}, 23, 0, NULL, 0) = 19",
                f"7 recvfrom(9, {text('HTTP/1.1 200 OK')}, 65536, 0, NULL, NULL) = 15",
                f"7 recvfrom(9, {text('')}, 65536, 0, NULL, NULL) = -1 EAGAIN (again)",
                f"7 rename({text('a')}, {text(str(OTHER))}) = 0",
                f"7 unlink({text(str(FILE))}) = -1 ENOENT (none)",
                "7 close(4) = 0",
                "7 fsync(4) = -1 EBADF (closed)",
                "7 +++ exited with 0 +++",
            ]
        )
    )
    assert list(read_events(trace, ROOT)) == [
        Opened(FILE, made=True, emptied=True),
        Written(FILE, None, b"one"),
        SyncBegun(FILE, 1),
        Written(FILE, 8192, b"two"),
        SyncEnded(FILE, 1),
        Left(9, b"PATCH /api/x/1 HTTP/1.1"),
        Heard(9),
        Renamed(FILE, OTHER),
    ]
