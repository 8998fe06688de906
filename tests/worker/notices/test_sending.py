"""Notices that are due are sent, and one that fails fails nothing."""

import json
import sys
from pathlib import Path

from tests.worker.notices.hooks import hooks
from tests.worker.notices.nights import GOOD, REFUSED_ROWS, TRIPPED
from worker.events import Event, NoticeFailed, NoticeSent
from worker.notices.command import Command
from worker.notices.deciding import Notice, digest, text
from worker.notices.sending import send
from worker.notices.webhook import Webhook


async def test_every_notice_that_is_due_is_sent_and_is_an_event(tmp_path: Path) -> None:
    out, events = tmp_path / "out", list[Event]()
    write = "import json, os, sys; json.dump([json.load(sys.stdin), 'HOOK' in os.environ], open(sys.argv[1], 'w'))"
    with hooks(200) as server:
        (tmp_path / "hook").write_text(f"{server.url}/s3cr3t")
        notices = [
            Notice(Command((sys.executable, "-c", write, str(out)))),
            Notice(Webhook(url_file=tmp_path / "hook"), frozenset({"partial"})),
            Notice(Webhook(url_env="HOOK", style="text")),
            Notice(Webhook(url_env="HOOK"), frozenset({"failed"})),  # not due
        ]
        await send(notices, REFUSED_ROWS, GOOD, {"HOOK": f"{server.url}/b"}, events.append)
    said = digest(REFUSED_ROWS, ("partial",))
    assert json.loads(out.read_text()) == [said, False]
    assert [json.loads(body) for _, _, body in server.seen] == [said, {"text": text(REFUSED_ROWS, ("partial",))}]
    assert events == [
        NoticeSent(f"command {sys.executable}", ("partial",)),
        NoticeSent(f"webhook {tmp_path}/hook", ("partial",)),
        NoticeSent("webhook HOOK", ("partial",)),
    ]


async def test_a_notice_that_fails_keeps_none_of_the_others_and_shows_no_address() -> None:
    events = list[Event]()
    with hooks(404) as server:
        environment = {"HOOK": f"{server.url}/s3cr3t", "BAD": "http://a.example/s3cr3t"}
        ways = (Command(("/nowhere/tell", "s3cr3t")), Webhook(url_env="BAD"), Webhook(url_env="HOOK"))
        await send([Notice(way) for way in ways], TRIPPED, None, environment, events.append)
    assert [(type(each), getattr(each, "way", "")) for each in events] == [
        (NoticeFailed, "command /nowhere/tell"),
        (NoticeFailed, "webhook BAD"),
        (NoticeFailed, "webhook HOOK"),
    ]
    assert "s3cr3t" not in repr(events)


async def test_a_clean_night_is_quiet() -> None:
    events = list[Event]()
    await send([Notice(Command(("/nowhere/tell",)))], GOOD, GOOD, {}, events.append)
    assert events == []
