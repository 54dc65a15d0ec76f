import socket
from base64 import b64encode

import pytest

from mm_ops.adapters.bot_http import MAX_ANSWER_BYTES, Answer, NoAnswerError, Peer, exchange, shown
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.hostile_server import Behaviour, answer, drips, hostile, says

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def test_what_is_asked_arrives_and_what_comes_back_is_given():
    with hostile(says(answer('{"a": 1}'))) as (url, heads):
        found = exchange(
            "PUT", f"{url}/circuit", within_s=5, headers={"Idempotency-Key": "k"}, body={"circuit": "open"}
        )
    assert (found.status, found.kind, found.document()) == (200, "application/json", {"a": 1})
    assert heads[0].startswith("PUT /circuit HTTP/1.1\r\n")
    assert "Idempotency-Key: k\r\n" in heads[0]


LATE: dict[str, Behaviour] = {
    "a head that drips": drips("HTTP/1.1 200 OK\r\nX: ", "x"),
    "a body that drips": drips(HEAD, " "),
    "chunks that drip": drips("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
}


@pytest.mark.timeout(15)  # a drip that is waited for never ends
@pytest.mark.parametrize("behaviour", LATE.values(), ids=list(LATE))
def test_a_server_that_drips_is_left_when_the_time_is_over(behaviour: Behaviour):
    with hostile(behaviour) as (url, _), pytest.raises(NoAnswerError, match=r"no whole answer within 0\.3 s"):
        exchange("GET", url, within_s=0.3, headers={})


BROKEN: dict[str, tuple[Behaviour, str]] = {
    "cut off": (says(HEAD + "{}"), "the connection was lost|cut off"),
    "no answer at all": (says(""), "the connection was lost"),
    "no HTTP": (says("SSH-2.0-x\r\n\r\n"), "the connection was lost"),
    "too large": (says(answer(" " * (MAX_ANSWER_BYTES + 1))), "larger than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("behaviour", "said"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_not_whole_is_no_answer(behaviour: Behaviour, said: str):
    with hostile(behaviour) as (url, _), pytest.raises(NoAnswerError, match=said):
        exchange("GET", url, within_s=5, headers={})


FRAMED: dict[str, str] = {
    "chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
    "to the end": "HTTP/1.1 200 OK\r\n\r\n[1]",
    "after a word before": "HTTP/1.1 100 Continue\r\n\r\n" + answer("[1]"),
    "old": "HTTP/1.0 200 OK\r\n\r\n[1]",
}


@pytest.mark.parametrize("text", FRAMED.values(), ids=list(FRAMED))
def test_however_an_answer_says_where_it_ends_it_is_read(text: str):
    with hostile(says(text)) as (url, _):
        found = exchange("GET", url, within_s=5, headers={})
    assert (found.status, found.document()) == (200, [1])


def ask(peer: Peer) -> Answer:
    return peer.ask("GET", "/state", within_s=5, headers={})


def test_the_next_request_goes_over_the_same_connection():
    def answers_twice(peer: socket.socket) -> None:
        peer.sendall(answer("1").encode())
        assert peer.recv(65_536).startswith(b"GET /state HTTP/1.1\r\n")
        peer.sendall(answer("2").encode())

    with hostile(answers_twice) as (url, heads):
        peer = Peer(url)
        assert [ask(peer).document(), ask(peer).document()] == [1, 2]
        assert len(heads) == 1
        peer.close()


def test_a_kept_connection_that_the_server_has_closed_is_replaced():
    with hostile(says(answer("1")), says(answer("2")), says("")) as (url, heads):
        peer = Peer(url)
        assert [ask(peer).document(), ask(peer).document()] == [1, 2]
        assert len(heads) == 2
        with pytest.raises(NoAnswerError, match="the connection was lost"):
            ask(peer)
        assert len(heads) == 3, "one that was new is not tried twice"
        peer.close()


def test_an_answer_that_closes_is_not_kept():
    closing = answer("1").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    with hostile(says(closing), says("")) as (url, heads):
        peer = Peer(url)
        assert ask(peer).document() == 1
        with pytest.raises(NoAnswerError):
            ask(peer)
        assert len(heads) == 2


def test_a_server_is_named_by_a_name_too_and_one_that_nobody_knows_is_said():
    with hostile(says(answer("1"))) as (url, heads):
        assert exchange("GET", url.replace("127.0.0.1", "localhost"), within_s=5, headers={}).document() == 1
        assert "\r\nHost: localhost:" in heads[0]
    with pytest.raises(NoAnswerError, match=r"the name nobody\.invalid is not known"):
        exchange("GET", "http://nobody.invalid/", within_s=1, headers={})


def test_a_user_in_the_address_is_who_asks():
    with hostile(says(answer("1"))) as (url, heads):
        exchange("GET", url.replace("//", "//ada:p%40ss@") + "/a?b=c", within_s=5, headers={})
    assert heads[0].startswith("GET /a?b=c HTTP/1.1\r\n")
    assert f"Authorization: Basic {b64encode(b'ada:p@ss').decode()}\r\n" in heads[0]


def test_a_header_that_would_be_two_is_not_sent():
    with hostile(says(answer("1"))) as (url, heads):
        with pytest.raises(NoAnswerError, match="cannot be sent"):
            exchange("GET", url, within_s=5, headers={"Idempotency-Key": "a\r\nX: b"})
        assert heads in ([], [""])


def test_a_closed_port_says_so_without_the_password_in_the_address():
    with pytest.raises(NoAnswerError) as caught:
        exchange("GET", "http://user:hunter2@127.0.0.1:9/state", within_s=5, headers={})
    assert str(caught.value) == "connection refused"


def test_a_redirect_is_not_followed_so_that_no_token_is_carried_away():
    away = answer("", "307 Temporary Redirect").replace("\r\n\r\n", "\r\nLocation: http://127.0.0.1:9/\r\n\r\n")
    with hostile(says(away)) as (url, _):
        assert exchange("GET", url, within_s=5, headers={}).status == 307


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with hostile(says(answer("{}"))) as (url, _):
        assert exchange("GET", url, within_s=5, headers={}).document() == {}


def test_an_address_is_shown_without_what_is_secret_in_it():
    assert shown("https://user:pass@host:8/a?token=b#c") == "https://host:8/a"


def test_a_refusal_is_said_in_one_line_of_bounded_length():
    problem = Answer(409, "application/problem+json", b'{"title": "latched", "detail": "no\\nway"}')
    assert problem.words() == "409 latched: no way"
    assert Answer(500, "text/html", b"<html>").words() == "500"
    assert Answer(500, "application/json", b"[1]").words() == "500"
    assert len(Answer(400, "", b'{"title": "' + b"x" * 9999 + b'"}').words()) == 200


def test_a_body_that_two_readers_could_read_differently_is_refused():
    with pytest.raises(SchemaError, match="answer 200: the key 'a' stands twice"):
        Answer(200, "", b'{"a": 1, "a": 2}').document()
