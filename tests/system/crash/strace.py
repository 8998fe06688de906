"""What a process asked of the kernel, by `strace`, in its order: writes, syncs, names, and requests that left."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.system.e2e.program import ROWPATCH, Desk, Process

STRACE: Final = shutil.which("strace")
"""The program, None where it is not installed."""

_CALLS: Final = (
    "open,openat,creat,close,dup,dup2,dup3,fcntl,write,pwrite64,writev,pwritev,ftruncate,truncate,fsync,fdatasync,"
    "sync_file_range,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,mkdir,mkdirat,rmdir,"
    "sendfile,copy_file_range,fallocate,lseek,sendto,sendmsg,recvfrom,recvmsg"
)
_LINE: Final = re.compile(r"(\d+) +(?:<\.\.\. \w+ resumed>(?P<rest>.*)|(?P<name>\w+)\((?P<arguments>.*))", re.DOTALL)
_RESULT: Final = re.compile(r"\) += (-?\d+|0x[0-9a-f]+|\?)")
_STRING: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Opened:
    """A file was opened, and perhaps made or emptied."""

    path: Path
    made: bool
    emptied: bool


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes were handed to the kernel; `offset` None continues behind the last ones."""

    path: Path
    offset: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file was cut, or grew."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class SyncBegun:
    """What was written up to here will be durable once the sync of that `number` has ended."""

    path: Path
    number: int


@dataclass(frozen=True, slots=True)
class SyncEnded:
    """The sync of that `number` is done."""

    path: Path
    number: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """A name became another."""

    path: Path
    to: Path


@dataclass(frozen=True, slots=True)
class Removed:
    """A name, of a file or a directory, is gone."""

    path: Path


@dataclass(frozen=True, slots=True)
class Made:
    """A directory was made."""

    path: Path


@dataclass(frozen=True, slots=True)
class Left:
    """The bytes of a PATCH began to leave; `socket` tells its reply."""

    socket: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """Something came back on a socket."""

    socket: int


Event: TypeAlias = Opened | Written | Resized | SyncBegun | SyncEnded | Renamed | Removed | Made | Left | Heard


class NotUnderstood(Exception):
    """The program used a call that the model of the disk does not know."""


def traced(desk: Desk, arguments: Sequence[str], trace: Path) -> Process:
    """Start `rowpatch` under strace, which writes down what it asks of the kernel."""
    assert STRACE is not None
    flags: list[str | Path] = ["-f", "-xx", "-s", "10000000", "-e", "signal=none", "-e", f"trace={_CALLS}", "-o", trace]
    return subprocess.Popen(
        [STRACE, *flags, ROWPATCH, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=desk.folder,
        env=desk.environment,
    )


def kill_traced(process: Process) -> None:
    """Kill -9 the program that a strace watches; strace ends by itself."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    process.communicate()


def events(trace: Path, cwd: Path) -> Iterator[Event]:
    """The events of a trace, as far as they are about files below `cwd`, and requests."""
    reader = _Reader(cwd)
    with trace.open(encoding="ascii", errors="replace") as lines:
        for entered, text in _calls(lines):
            yield from reader.read(text, entered=entered)


def _calls(lines: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """Each call when it is entered (True) and when it has returned (False); a call that was not interrupted as both."""
    unfinished: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue  # an exit, a signal
        process = match[1]
        if match["rest"] is not None:
            whole = unfinished.pop(process, None)
            if whole is not None:
                yield False, f"{process} {whole}{match['rest']}"
            continue
        call = f"{match['name']}({match['arguments']}"
        head, cut, _ = call.partition(" <unfinished ...>")
        if cut:
            unfinished[process] = head
            yield True, f"{process} {head}) = ?"
        else:
            yield True, f"{process} {call}"
            yield False, f"{process} {call}"


@dataclass(slots=True)
class _Reader:
    """Knows which descriptor is which file. One process: its threads share their descriptors."""

    cwd: Path
    _files: dict[int, Path]
    _syncs: dict[str, int]
    _count: int

    def __init__(self, cwd: Path) -> None:
        self.cwd, self._files, self._syncs, self._count = cwd, {}, {}, 0

    def read(self, text: str, *, entered: bool) -> Iterator[Event]:
        process, _, call = text.partition(" ")
        name, _, arguments = call.partition("(")
        result = _RESULT.search(arguments)
        status = result[1] if result else "?"
        if not entered and status.startswith("-"):
            return  # it failed: nothing happened
        handler: Callable[[str, str, str], Iterator[Event]] | None = getattr(
            self, f"_{'enter' if entered else 'leave'}_{name}", None
        )
        if handler is not None:
            yield from handler(process, arguments, status)
        elif entered and name in {"pwritev", "truncate", "link", "linkat", "symlink", "sendfile", "copy_file_range"}:
            raise NotUnderstood(call[:200])

    def _leave_openat(self, _process: str, arguments: str, status: str) -> Iterator[Event]:
        path = self._path(arguments, 0)
        self._files.pop(int(status), None)
        if path is not None:
            self._files[int(status)] = path
            yield Opened(path, "O_CREAT" in arguments, "O_TRUNC" in arguments)

    def _enter_close(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        self._files.pop(_number(arguments), None)
        yield from ()

    def _enter_write(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._files.get(_number(arguments))
        if path is not None:
            yield Written(path, None, _strings(arguments)[0])

    def _enter_pwrite64(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._files.get(_number(arguments))
        if path is not None:
            yield Written(path, int(arguments.partition(")")[0].rpartition(", ")[2]), _strings(arguments)[0])

    def _enter_ftruncate(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._files.get(_number(arguments))
        if path is not None:
            yield Resized(path, int(arguments.partition(")")[0].rpartition(", ")[2]))

    def _enter_fsync(self, process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._files.get(_number(arguments))
        if path is not None:
            self._count += 1
            self._syncs[process] = self._count
            yield SyncBegun(path, self._count)

    def _leave_fsync(self, process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._files.get(_number(arguments))
        if path is not None and process in self._syncs:
            yield SyncEnded(path, self._syncs.pop(process))

    _enter_fdatasync, _leave_fdatasync = _enter_fsync, _leave_fsync

    def _leave_rename(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        old, new = self._path(arguments, 0), self._path(arguments, 1)
        if old is not None and new is not None:
            yield Renamed(old, new)

    _leave_renameat = _leave_renameat2 = _leave_rename

    def _leave_unlink(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._path(arguments, 0)
        if path is not None:
            yield Removed(path)

    _leave_unlinkat = _leave_rmdir = _leave_unlink

    def _leave_mkdir(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        path = self._path(arguments, 0)
        if path is not None:
            yield Made(path)

    _leave_mkdirat = _leave_mkdir

    def _enter_sendto(self, _process: str, arguments: str, _status: str) -> Iterator[Event]:
        data = b"".join(_strings(arguments))
        if data.startswith(b"PATCH "):
            yield Left(_number(arguments), data)

    _enter_sendmsg = _enter_writev = _enter_sendto

    def _leave_recvfrom(self, _process: str, arguments: str, status: str) -> Iterator[Event]:
        if int(status) > 0:
            yield Heard(_number(arguments))

    _leave_recvmsg = _leave_recvfrom

    def _path(self, arguments: str, index: int) -> Path | None:
        """The path among the arguments, absolute; None when it does not lie below `cwd`."""
        path = self.cwd / _strings(arguments)[index].decode()
        return path if path.is_relative_to(self.cwd) else None


def _number(arguments: str) -> int:
    return int(arguments.partition(",")[0].partition(")")[0])


def _strings(arguments: str) -> list[bytes]:
    return [bytes.fromhex(each.replace("\\x", "")) for each in _STRING.findall(arguments)]
