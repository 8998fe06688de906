"""Run a probe: find the record, ask before each write, report what was found."""

import json
import os
import shlex
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.printable import printable
from jobs.values import valueclass
from worker.cli.chosen import chosen_api, named_api
from worker.cli.console import show
from worker.cli.executing import execute_with_signals
from worker.cli.flags import ApiFlags, Flags, SourceFlags, new_settings
from worker.cli.log import log_event
from worker.cli.screen import configure_log
from worker.cli.signals import end_orderly
from worker.cli.speech import can_ask, complain, prompt, say, warn
from worker.engine.prober import Ask
from worker.engine.run import RunEnd
from worker.exit_statuses import NOT_ALL, STOPPED
from worker.files import run_directory, source
from worker.operations import apis, runs
from worker.operations import probe as operation
from worker.operations.opening import RunHandle
from worker.operations.probe import Probed, Surveyed, Tried
from worker.operations.runs import Access, Host
from worker.policy.probing.facts import Fact, contradictions
from worker.policy.probing.subject import Subject
from worker.policy.probing.trials import Conversation
from worker.settings import ConfigError, Settings, read_secrets, state_directory


@valueclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, but for the flags that commands share.

    Attributes:
        unknown: what the file of the description says is unknown.
    """

    sheet: str | None
    run_dir: Path | None
    tried: Tried
    write: Path | None
    force: bool
    json: bool
    unknown: tuple[str, ...] = ()


def run(asked: Asked, which: ApiFlags, flags: Flags, reading: SourceFlags) -> int:
    """Probe one record; return the exit status.

    Raises:
        ConfigError, InputRefused: nothing was written.
        Busy: another process holds the run directory.
        JournalError: the journal cannot be written.
    """
    _refuse(asked, flags)
    subject, settings = _subject(asked, which, flags, reading)
    secrets, host = read_secrets(os.environ, subject.api.auth), Host(state_directory(), observer=log_event)
    configure_log(flags.log_format)
    warn(f"The API is {settings.target.api}, at {settings.target.url}; the record is {subject.type} {subject.key}")
    access = runs.token_at_hand(subject.api, settings, secrets) or anyio.run(
        runs.first_token, subject.api, settings, secrets, host
    )
    if access.lost:
        return complain(f"authorisation_lost: {access.lost}", STOPPED)
    surveyed = anyio.run(operation.survey_record, subject, settings, access, host)
    if surveyed.stopped:
        return complain(surveyed.stopped, STOPPED)
    if surveyed.reading is None:
        facts = operation.with_limits(surveyed.subject, surveyed.facts, surveyed.headers, host)
        _report(asked, subject, Probed(facts, RunEnd("finished", NOT_ALL)), None)
        return NOT_ALL
    asked = replace(asked, unknown=operation.unknown_in(named_api(which)))
    return _write(asked, flags, (subject, surveyed), settings, access, host)


def _refuse(asked: Asked, flags: Flags) -> None:
    given = [flag for flag in flags.of_sheets if flag not in {"--type", "--clear-token"}]
    if given := [*given, *flags.given("canary", "stop_after")]:
        raise ConfigError(f"A probe is about one record: leave out {', '.join(given)}.")
    if not flags.yes and not can_ask():
        raise ConfigError("A probe writes, and asks before. Without a terminal, it needs --yes.")
    if asked.write is not None and asked.write.exists() and not asked.force:
        raise ConfigError(f"{asked.write} exists already: choose another --write, or pass --force to replace it.")


def _subject(asked: Asked, which: ApiFlags, flags: Flags, reading: SourceFlags) -> tuple[Subject, Settings]:
    """Return the record to be probed, and the settings of the run.

    Raises:
        ConfigError, InputRefused: there is none.
    """
    chosen = chosen_api(which)
    name = asked.sheet or "probe.ndjson"
    format_name = reading.format or source.guess_format(name)
    settings = new_settings(name, format_name, apis.target_of(chosen, flags.url or ""), flags, reading)
    settings, settled = apis.settled(settings, chosen)
    api, type_name = operation.type_of(settled, flags.type or "")
    if asked.sheet is None:
        key = operation.key_given(api, type_name)
    else:
        key = operation.key_in_sheet(Path(asked.sheet), settings.input, type_name, api)
    subject = Subject(api, type_name, key)
    return subject, operation.settings_of(settings, subject)


def _write(
    asked: Asked, flags: Flags, found: tuple[Subject, Surveyed], settings: Settings, access: Access, host: Host
) -> int:
    """Try what is wanted of a record that was read; return the exit status."""
    subject, surveyed = found
    conversation, rows = operation.conversation_of(surveyed, asked.tried)
    directory = asked.run_dir or run_directory.default(f"probe-{subject.type}", time.time())
    ask = partial(_ask, sure=flags.yes)
    with operation.begun(directory, settings, surveyed, rows) as handle:
        end = anyio.run(_converse, handle, conversation, access, host, ask)
        end_orderly()
        probed = operation.finish(handle, conversation, end, host)
    _report(asked, subject, probed, directory if probed.wrote else None)
    if asked.write is not None:
        _note(asked.write, subject, probed, host, asked.unknown)
    if probed.left or (probed.wrote and probed.end.state != "finished"):
        why = f"{probed.end.message}. " if probed.end.message else ""
        warn(f"{why}To put back what is not yet: rowpatch undo {printable(shlex.quote(str(directory)))}")
    return probed.exit_status


async def _converse(handle: RunHandle, conversation: Conversation, access: Access, host: Host, ask: Ask) -> RunEnd:
    async with operation.prepared(handle, conversation, access, host, ask) as prober:
        return await execute_with_signals(prober)


async def _ask(lines: tuple[str, ...], *, sure: bool) -> bool:
    """Show what will be sent, and wait for the answer without holding up the event loop."""
    for line in lines:
        warn(line)
    if sure:
        return True
    prompt("Type yes to send it:")
    await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline().strip().lower() == "yes"


def _report(asked: Asked, subject: Subject, probed: Probed, directory: Path | None) -> None:
    if asked.json:
        say(json.dumps(_document(subject, probed, directory), ensure_ascii=False, default=float))
        return
    show(lambda console: _table(console, probed.facts))
    count = contradictions(probed.facts)
    words = {0: "Nothing contradicts the description.", 1: "1 fact contradicts the description (!)."}
    say(f"\n{words.get(count, f'{count} facts contradict the description (!).')}")
    if directory is not None:
        say(f"What was sent, and the record as it was: {printable(str(directory))}")


def _document(subject: Subject, probed: Probed, directory: Path | None) -> dict[str, object]:
    return {
        "api": subject.api.name,
        "type": subject.type,
        "record": subject.key,
        "facts": [fact.document() for fact in probed.facts],
        "contradictions": contradictions(probed.facts),
        "complete": probed.complete,
        "put_back": not probed.left,
        "state": probed.end.state,
        "run": None if directory is None else str(directory),
        "exit_status": probed.exit_status,
    }


def _table(console: Console, facts: tuple[Fact, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "FACT", "THE DESCRIPTION SAYS", "FOUND", "HOW IT WAS SEEN"):
        table.add_column(heading, overflow="fold")
    for fact in facts:
        style = "bold red" if fact.contradicts else ""
        mark = "!" if fact.contradicts else ""
        cells = (mark, fact.name, fact.says or "-", fact.found, fact.seen)
        table.add_row(*map(Text, cells), style=style)  # whatever a server says is no markup
    console.print(table)


def _note(path: Path, subject: Subject, probed: Probed, host: Host, unknown: tuple[str, ...]) -> None:
    """Write the description with what was found, and list what was changed in it, and what is left to decide."""
    made = operation.rewritten(subject.api, subject.type, probed.facts, host, unknown)
    operation.write_description(path, made.text)
    warn(f"Wrote {path}; of the comments, only those on what is unknown are kept, at its head. Changed:")
    for line in made.changed:
        warn(f"  {line}")
    if made.hints:
        warn("Left to decide, or to try:")
    for line in made.hints:
        warn(f"  {line}")
