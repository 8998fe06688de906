"""A script for mitmproxy: it damages what passes, and writes down what it did to each request.

A change that was answered with 504 lands up to LATE seconds afterwards. What moves money is never sent twice by it.
"""

import asyncio
import os
import random
import urllib.error
import urllib.request

from mitmproxy import http

DICE = random.Random(int(os.environ.get("DAMAGE_SEED", "1")))
SHARE = float(os.environ.get("DAMAGE_SHARE", "0.35"))
LATE = float(os.environ.get("DAMAGE_LATE", "3"))
SLOW = float(os.environ.get("DAMAGE_SLOW", "3"))

WRITES = ("cut", "killed", "never sent", "slow", "lands late", "twice", "stripped")
READS = ("cut", "killed", "never sent", "lands late")
TASKS = set()


async def request(flow):
    """Decide what becomes of a request, and do what has to be done before it reaches its origin."""
    writes = flow.request.method == "PATCH"
    share = SHARE if writes else SHARE / 5
    fate = DICE.choice(WRITES if writes else READS) if DICE.random() < share else "passed"
    if fate == "twice" and "authorizations" in flow.request.path:
        fate = "passed"
    flow.metadata["fate"] = fate
    print(f"{fate}: {flow.request.method} {flow.request.path}", flush=True)
    if fate == "never sent":
        flow.kill()
    elif fate == "lands late":
        if writes:
            _later(flow, DICE.uniform(0.3, LATE))
        flow.response = http.Response.make(504, b"<html>504 Gateway Time-out</html>", {"Content-Type": "text/html"})
    elif fate == "twice":
        await asyncio.to_thread(_land, *_facts(flow))


async def response(flow):
    """Damage the reply of an origin that has done its work."""
    fate = flow.metadata.get("fate")
    if fate == "cut":
        flow.response.content = flow.response.content[: len(flow.response.content) // 2]
    elif fate == "killed":
        flow.kill()
    elif fate == "slow":
        await asyncio.sleep(SLOW)
    elif fate == "stripped" and flow.response.status_code == 200:
        flow.response = http.Response.make(204)


def _later(flow, seconds):
    async def land():
        await asyncio.sleep(seconds)
        await asyncio.to_thread(_land, *facts)

    facts = _facts(flow)
    task = asyncio.get_running_loop().create_task(land())
    TASKS.add(task)
    task.add_done_callback(TASKS.discard)


def _facts(flow):
    return flow.request.url, flow.request.content, dict(flow.request.headers), flow.request.method


def _land(url, body, headers, method):
    wanted = {name: value for name, value in headers.items() if name.lower() not in {"content-length", "host"}}
    sent = urllib.request.Request(url, body, wanted, method=method)
    try:
        with urllib.request.urlopen(sent, timeout=20) as reply:
            print(f"landed: {reply.status}", flush=True)
    except urllib.error.HTTPError as refused:
        print(f"landed: {refused.code}", flush=True)
