"""pycurl: as many handles as may be in flight, used over and over.

python pycurl_multi.py ORIGIN ROWS WORKERS
"""

import os
import sys
from http import HTTPStatus

import pycurl
from rows import body, path

HEADERS = [
    "Accept: application/vnd.api+json",
    "Content-Type: application/vnd.api+json",
    "Authorization: Bearer x",
    "Expect:",
]
ORIGIN, ROWS, WORKERS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def ignore(data: bytes) -> None:
    """Take a piece of a reply."""


def handle() -> pycurl.Curl:
    """Make a transfer handle, without a request yet."""
    made = pycurl.Curl()
    made.setopt(pycurl.CUSTOMREQUEST, "PATCH")
    made.setopt(pycurl.HTTPHEADER, HEADERS)
    made.setopt(pycurl.WRITEFUNCTION, ignore)
    made.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])
    return made


multi = pycurl.CurlMulti()
multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, WORKERS)
free = [handle() for _ in range(min(WORKERS, ROWS))]
number = done = 0
while done < ROWS:
    while free and number < ROWS:
        each = free.pop()
        each.setopt(pycurl.URL, ORIGIN + path(number))
        each.setopt(pycurl.POSTFIELDS, body(number))
        multi.add_handle(each)
        number += 1
    while multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
        pass
    left, good, bad = multi.info_read()
    assert not bad, bad
    for each in good:
        assert each.getinfo(pycurl.RESPONSE_CODE) == HTTPStatus.OK
        multi.remove_handle(each)
        free.append(each)
    done += len(good)
    if not good:
        multi.select(1.0)
