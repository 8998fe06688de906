"""What is on a disk when the power fails: only what was synced, or that and a part of the rest. Pure, but for `store`.

The strict reading of POSIX: syncing a file makes its bytes durable, and not its name; names are durable once their
directory is synced. A write that was not synced may survive in part, sector by sector; names survive in their order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from tests.system.crash.strace import Event, Made, Opened, Removed, Renamed, Resized, SyncBegun, SyncEnded, Written

SECTOR: Final = 512
"""Bytes that reach a disk together, or not at all."""

UNTRACED: Final = "-shm"
"""Files that are written through memory, which no trace shows. SQLite makes them anew after a crash."""


@dataclass(slots=True)
class _File:
    """Changes of a file's bytes: (offset, bytes), or (size, None). The first `durable` of them are on the disk."""

    changes: list[tuple[int, bytes | None]] = field(default_factory=list)
    durable: int = 0
    position: int = 0


@dataclass(slots=True)
class _Directory:
    """Changes of a directory: what names stand for from then on, None when they went."""

    changes: list[dict[str, "_Node | None"]] = field(default_factory=list)
    durable: int = 0


_Node: TypeAlias = _File | _Directory


@dataclass(slots=True)
class Disk:
    """A folder of a disk, empty at first; what lies in it beforehand is not looked at."""

    root: Path
    _top: _Directory = field(default_factory=_Directory)
    _now: dict[Path, _Node] = field(default_factory=dict)
    _open: dict[Path, _Node] = field(default_factory=dict)
    _syncs: dict[int, tuple[_Node, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The folder itself is there."""
        self._now[self.root] = self._top

    def happen(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case Opened(path, made, emptied):
                self._opened(path, made=made, emptied=emptied)
            case Written(path, offset, data):
                self._written(self._file(path), offset, data)
            case Resized(path, size):
                self._file(path).changes.append((size, None))
            case SyncBegun(path, number):
                self._sync_begun(path, number)
            case SyncEnded(_, number):
                self._sync_ended(number)
            case Renamed(path, to):
                self._renamed(path, to)
            case Removed(path):
                self._named(path, None)
            case Made(path):
                self._named(path, _Directory())

    def _sync_begun(self, path: Path, number: int) -> None:
        node = self._open.get(path)
        if node is not None:
            self._syncs[number] = (node, len(node.changes))

    def _sync_ended(self, number: int) -> None:
        if number in self._syncs:
            node, covered = self._syncs.pop(number)
            node.durable = max(node.durable, covered)

    def after_power_loss(self, dice: Random | None = None) -> dict[Path, bytes]:
        """Files by their path below the root: what was synced; with dice, also a random part of what was not."""
        found: dict[Path, bytes] = {}
        self._collect(self._top, Path(), dice, found)
        return found

    def _opened(self, path: Path, *, made: bool, emptied: bool) -> None:
        if path not in self._now:
            if not made:
                return
            self._named(path, _File())
        self._open[path] = node = self._now[path]
        if isinstance(node, _File):
            node.position = 0
            if emptied and node.changes:
                node.changes.append((0, None))

    def _file(self, path: Path) -> _File:
        node = self._open[path]
        assert isinstance(node, _File)
        return node

    @staticmethod
    def _written(file: _File, offset: int | None, data: bytes) -> None:
        file.changes.append((file.position if offset is None else offset, data))
        if offset is None:
            file.position += len(data)

    def _renamed(self, path: Path, to: Path) -> None:
        node = self._now.pop(path)
        assert isinstance(node, _File), "directories are not renamed"
        assert path.parent == to.parent, "files are renamed where they are"
        self._now[to] = node
        self._directory(path).changes.append({path.name: None, to.name: node})  # both, or neither

    def _named(self, path: Path, node: _Node | None) -> None:
        self._directory(path).changes.append({path.name: node})
        if node is None:
            self._now.pop(path, None)
        else:
            self._now[path] = node

    def _directory(self, path: Path) -> _Directory:
        node = self._now[path.parent]
        assert isinstance(node, _Directory)
        return node

    def _collect(self, directory: _Directory, below: Path, dice: Random | None, found: dict[Path, bytes]) -> None:
        changes = directory.changes
        kept = directory.durable if dice is None else dice.randint(directory.durable, len(changes))
        for name, node in _together(changes[:kept]).items():
            if isinstance(node, _Directory):
                self._collect(node, below / name, dice, found)
            elif isinstance(node, _File) and not name.endswith(UNTRACED):
                found[below / name] = _content(node, dice)


def _together(changes: Iterable[Mapping[str, _Node | None]]) -> dict[str, _Node | None]:
    names: dict[str, _Node | None] = {}
    for change in changes:
        names.update(change)
    return names


def _content(file: _File, dice: Random | None) -> bytes:
    """The bytes of a file: everything synced, and with dice some sectors of what came after."""
    content = bytearray()
    for index, (offset, data) in enumerate(file.changes):
        certain = index < file.durable
        if not certain and dice is None:
            break
        if data is None:
            if certain or (dice is not None and dice.random() < 0.5):
                _resize(content, offset)
        else:
            for start, sector in [(offset, data)] if certain else _sectors(offset, data):
                if certain or (dice is not None and dice.random() < 0.5):
                    _resize(content, max(len(content), start + len(sector)))
                    content[start : start + len(sector)] = sector
    return bytes(content)


def _sectors(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    first = -offset % SECTOR
    cuts = [0, *range(first or SECTOR, len(data), SECTOR), len(data)]
    return [(offset + start, data[start:end]) for start, end in pairwise(cuts) if end > start]


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def store(files: Mapping[Path, bytes], folder: Path) -> None:
    """Write files down below a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / path).write_bytes(content)
