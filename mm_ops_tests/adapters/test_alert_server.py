import time
from base64 import b64encode
from datetime import timedelta

import pytest

from mm_ops.adapters.alert_server import MOST_BYTES, AlertServer
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops_tests.hostile_server import Behaviour, answer, drips, hostile, says

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
LARGE = f"HTTP/1.1 200 OK\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n" + " " * (MOST_BYTES + 1)
BROKEN: dict[str, tuple[Behaviour, str]] = {
    "a body that drips": (drips(HEAD, " "), "no whole answer within 0.5 s; is it running there, and is this its addr"),
    "cut off": (says(HEAD + "[]"), "is it running there"),
    "too large": (says(LARGE), "larger than 16,777,216 bytes"),
    "no JSON": (says(answer("<html>")), "no JSON at /api/x; is this the address of prometheus?"),
    "a key twice": (says(answer('{"a":1,"a":2}')), "no JSON at /api/x"),
    "credentials": (says(answer("", "401 Unauthorized")), "status 401: it asks for credentials; put user and password"),
    "forbidden": (says(answer("", "403 Forbidden")), "status 403: it asks for credentials"),
    "a redirect": (says(answer("", "302 Found")), "status 302, a redirect; name the address that it leads to"),
    "a fault": (says(answer("oh\nno", "500 Internal Server Error")), "status 500: oh no"),
    "a fault without a word": (says(answer("", "503 Service Unavailable")), "status 503: without a word"),
}


@pytest.mark.parametrize(("behaviour", "said"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_answer_says_so_and_what_to_do(behaviour: Behaviour, said: str):
    with hostile(behaviour) as (url, _):
        server = AlertServer("prometheus", url.replace("//", "//user:hunter2@"), timedelta(seconds=0.5))
        began = time.monotonic()
        with pytest.raises(SourceUnavailableError) as refused:
            server.get("/api/x")
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"prometheus {url}: ")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert time.monotonic() - began < 30


def test_parameters_and_credentials_are_sent():
    with hostile(says(answer("[1]"))) as (url, heads):
        server = AlertServer("x", url.replace("//", "//user:hunter2@") + "/", timedelta(seconds=5))
        assert server.get("/api/x", query='a{b="c d"}') == [1]
    assert heads[0].startswith("GET /api/x?query=a%7Bb%3D%22c+d%22%7D HTTP/1.1\r\n")
    assert f"Authorization: Basic {b64encode(b'user:hunter2').decode()}\r\n" in heads[0]
