"""The adapter against a server that behaves as Grafana's API is documented, and against ones that behave worse."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mm_ops.adapters.grafana import MOST_BYTES, GrafanaServer
from mm_ops.domain.errors import MmOpsError, PolicyError, SchemaError, SourceUnavailableError
from mm_ops.domain.grafana.decision import Refuse
from mm_ops.domain.grafana.form import canonical_form
from mm_ops.domain.grafana.policy import Folder
from mm_ops_tests.grafana_boards import board
from mm_ops_tests.grafana_server import EDITOR, VIEWER, Answer, FakeGrafana, fake_grafana
from mm_ops_tests.hostile_server import Behaviour, answer, drips, hostile, says

FORM = canonical_form(board(), "x")
MINE = Folder(uid="mm", title="Market making")


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with fake_grafana() as server:
        yield server


def client(url: str, token: str = EDITOR, seconds: float = 10) -> GrafanaServer:
    return GrafanaServer(url, token, timedelta(seconds=seconds))


def test_what_is_written_is_read_back_in_its_form_with_its_version_and_its_folder(grafana: FakeGrafana):
    server = client(grafana.url + "/")
    server.require_folder(MINE)
    assert server.save(FORM, 0, "mm", "first") is None
    found = server.dashboard("oper")
    assert found is not None
    assert (found.form, found.version, found.folder_uid, found.provisioned) == (FORM, 1, "mm", None)
    assert server.save(FORM, 1, "", "again") is None
    found = server.dashboard("oper")
    assert found is not None
    assert (found.version, found.folder_uid) == (2, "")


def test_what_is_not_there_is_nothing(grafana: FakeGrafana):
    assert client(grafana.url).dashboard("oper") is None
    assert client(grafana.url).titled("Operability") == []


def test_a_title_is_found_whole(grafana: FakeGrafana):
    grafana.put("a", {"title": "Operability"})
    grafana.put("b", {"title": "Operability of another"})
    assert client(grafana.url).titled("Operability") == ["a"]


def test_a_folder_that_is_there_is_not_made_again(grafana: FakeGrafana):
    grafana.folders["mm"] = "by another title"
    client(grafana.url).require_folder(MINE)
    assert grafana.asked == [("GET", "/api/folders/mm")]


def test_a_file_that_provisions_it_is_told(grafana: FakeGrafana):
    grafana.put("oper", board(), provisioned="boards/oper.json")
    found = client(grafana.url).dashboard("oper")
    assert found is not None
    assert found.provisioned == "boards/oper.json"
    assert client(grafana.url).save(FORM, 1, "", "x") == Refuse(
        "oper is provisioned from a file of that Grafana: change that file instead"
    )


def test_another_version_a_plugins_dashboard_and_a_doubled_name_are_refused_and_say_what_to_do(grafana: FakeGrafana):
    grafana.put("oper", board())
    refused = client(grafana.url).save(FORM, 7, "", "x")
    assert refused == Refuse("oper was changed while it was compared: look at the differences again")
    grafana.boards["oper"].plugin = "redis"
    refused = client(grafana.url).save(FORM, 1, "", "x")
    assert refused == Refuse("oper belongs to a plugin of that Grafana, which would overwrite it: give it another uid")
    grafana.before = only("POST", 412, {"status": "name-exists", "message": "A dashboard with the same name exists"})
    refused = client(grafana.url).save(FORM, 1, "", "x")
    assert refused == Refuse("oper has the title or the uid of another dashboard there: rename one of the two")
    grafana.before = only("POST", 412, {"message": "Multiple dashboards with the same slug exists"})
    assert client(grafana.url).save(FORM, 1, "", "x") == Refuse("oper Multiple dashboards with the same slug exists")


def only(method: str, status: int, document: Any) -> Any:
    def behave(_: FakeGrafana, asked: str, __: str) -> Answer | None:
        return (status, document) if asked == method else None

    return behave


REFUSED: dict[str, tuple[str, Any, type[MmOpsError], str]] = {
    "a wrong token": ("glsa_wrong", None, PolicyError, "dashboard oper: status 401: the token is wrong or has ended"),
    "no role": (
        EDITOR,
        only("GET", 403, {"message": "x"}),
        PolicyError,
        "status 403: the token may not: its service acc",
    ),
    "schema v2": (
        EDITOR,
        only("GET", 406, {"message": "x"}),
        SchemaError,
        "oper is kept in schema v2, which /api does",
    ),
    "a login page": (EDITOR, only("GET", 200, "<html>"), SchemaError, "dashboard oper: no JSON; is this the address"),
    "a redirect": (EDITOR, only("GET", 302, "<html>"), PolicyError, "status 302, a redirect: name the address"),
    "a fault": (EDITOR, only("GET", 500, {"message": "oh\nno"}), SourceUnavailableError, "status 500: oh no"),
    "a page of a proxy": (EDITOR, only("GET", 502, "<b>bad</b>"), SourceUnavailableError, "status 502: <b>bad</b>"),
    "a fault without a word": (EDITOR, only("GET", 503, ""), SourceUnavailableError, "status 503 without a word"),
    "no dashboard": (EDITOR, only("GET", 200, {"meta": {}}), SchemaError, "expected the objects dashboard and meta"),
    "no object": (EDITOR, only("GET", 200, []), SchemaError, "expected the objects dashboard and meta"),
    "no version": (
        EDITOR,
        only("GET", 200, {"meta": {}, "dashboard": {"uid": "oper", "version": "1"}}),
        SchemaError,
        "oper: expected its uid, a whole version and a folderUid in the answer",
    ),
    "another uid": (
        EDITOR,
        only("GET", 200, {"meta": {}, "dashboard": {"uid": "other", "version": 1}}),
        SchemaError,
        "oper: expected its uid",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_line_that_says_what_to_do(grafana: FakeGrafana, name: str):
    token, grafana.before, kind, said = REFUSED[name]
    with pytest.raises(kind) as refused:
        client(grafana.url, token).dashboard("oper")
    told = str(refused.value)
    assert told.startswith(f"grafana {grafana.url}: ")
    assert said in told
    assert len(told.splitlines()) == 1
    assert token not in told


def test_a_viewer_reads_and_does_not_write(grafana: FakeGrafana):
    assert client(grafana.url, VIEWER).dashboard("oper") is None
    with pytest.raises(PolicyError, match="saving oper: status 403: the token may not"):
        client(grafana.url, VIEWER).save(FORM, 0, "", "x")


def test_a_folder_that_is_not_there_and_a_dashboard_that_grafana_does_not_take_are_told(grafana: FakeGrafana):
    with pytest.raises(SchemaError, match="does not take oper: folder not found"):
        client(grafana.url).save(FORM, 0, "mm", "x")
    with pytest.raises(SchemaError, match="uid too long, max 40 characters"):
        client(grafana.url).save({**FORM, "uid": "x" * 41}, 0, "", "x")
    assert grafana.boards == {}


def test_a_folder_of_the_title_with_another_uid_is_told(grafana: FakeGrafana):
    grafana.folders["other"] = MINE.title
    with pytest.raises(PolicyError) as refused:
        client(grafana.url).require_folder(MINE)
    assert "folder mm: is not there, and 'Market making' cannot be made: a folder with the same name" in str(
        refused.value
    )
    assert str(refused.value).endswith("write the uid of the one that is there into grafana.yaml")


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
LARGE = f"HTTP/1.1 200 OK\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n" + " " * (MOST_BYTES + 1)
BROKEN: dict[str, tuple[Behaviour, str]] = {
    "drips": (drips(HEAD, " "), "no whole answer within 0.5 s; does it run there, and is it its address?"),
    "is cut off": (says(HEAD + "{}"), "an answer that is cut off"),
    "is too large": (says(LARGE), "larger than 16,777,216 bytes"),
    "has a key twice": (says(answer('{"meta":{},"meta":{}}')), "dashboard oper: no JSON"),
    "is no HTTP": (says("SSH-2.0-OpenSSH_9.2\r\n"), "does it run there"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_none_is_one_line_and_in_time(name: str):
    behaviour, said = BROKEN[name]
    with hostile(behaviour) as (url, _):
        began = time.monotonic()
        with pytest.raises(MmOpsError) as refused:
            client(url, seconds=0.5).dashboard("oper")
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert time.monotonic() - began < 30


def test_nobody_there_is_told():
    with hostile() as (url, _):
        pass
    with pytest.raises(SourceUnavailableError, match="connection refused; does it run there"):
        client(url).dashboard("oper")


def test_the_token_is_sent_and_shown_by_nothing(grafana: FakeGrafana):
    server = client(grafana.url)
    with hostile(says(answer(json.dumps({"message": "x"}), "404 Not Found"))) as (url, heads):
        assert client(url).dashboard("a/b c") is None
    assert heads[0].startswith("GET /api/dashboards/uid/a%2Fb%20c HTTP/1.1\r\n")
    assert f"Authorization: Bearer {EDITOR}\r\n" in heads[0]
    assert EDITOR not in repr(server)
