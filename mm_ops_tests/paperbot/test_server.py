"""The door of a bot that really runs, as a client meets it."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from mm_ops_tests.live_paperbot import RunningBot, running


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), "--allow-faults") as found:
        yield found


@pytest.fixture
def clean(bot: RunningBot) -> Iterator[RunningBot]:
    yield bot
    bot.faults()


def problem(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    return answer.status_code, document["title"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/strategy-scale", {"strategy_scale": 0.5}),
        ("/circuit", {"circuit": "open"}),
        ("/orders/freeze", {"orders_frozen": True}),
        ("/profile", {"profile": "moderate"}),
        ("/trading-state", {"trading_state": "REDUCING"}),
    ],
)
def test_every_command_is_answered_with_the_state_that_shows_it(bot: RunningBot, path: str, body: dict[str, object]):
    answer = bot.put(path, f"key of {path}", **body)
    assert answer.status_code == 200
    assert body.items() <= answer.json().items()
    assert body.items() <= bot.state().items()
    again = bot.put(path, f"key of {path}", **body)
    assert (answer.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")


def test_metrics_are_text_in_the_format_of_prometheus(bot: RunningBot):
    answer = requests.get(f"{bot.url}/metrics", timeout=10)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.startswith("# HELP ")
    assert answer.text.endswith("\n")


WRONG = {
    "no path": ("GET", "/", b"", (404, "path")),
    "no command": ("PUT", "/scale", b"{}", (404, "path")),
    "no way of asking": ("POST", "/circuit", b"{}", (404, "path")),
    "no JSON": ("PUT", "/circuit", b"{", (400, "body")),
    "nested without end": ("PUT", "/circuit", b"[" * 60_000, (400, "body")),
    "another field": ("PUT", "/circuit", b'{"strategy_scale": 0}', (422, "body")),
    "a field too many": ("PUT", "/circuit", b'{"circuit": "open", "x": 1}', (422, "body")),
    "no object": ("PUT", "/circuit", b"7", (422, "body")),
    "too much": ("PUT", "/circuit", b" " * 70_000, (413, "length")),
    "an unknown fault": ("POST", "/faults", b'{"x": 1}', (422, "value")),
}


@pytest.mark.parametrize(("method", "path", "body", "expected"), WRONG.values(), ids=list(WRONG))
def test_what_is_refused_is_a_problem_and_sets_nothing(
    bot: RunningBot, method: str, path: str, body: bytes, expected: tuple[int, str]
):
    before = bot.state()["sequence"]
    answer = requests.request(method, f"{bot.url}{path}", data=body, headers={"Idempotency-Key": "wrong"}, timeout=10)
    assert problem(answer) == expected
    assert bot.state()["sequence"] == before


def test_a_command_without_a_key_or_a_length_is_refused(bot: RunningBot):
    assert problem(requests.put(f"{bot.url}/circuit", json={"circuit": "closed"}, timeout=10)) == (
        400,
        "idempotency key",
    )
    chunked = requests.put(f"{bot.url}/circuit", data=iter([b"{}"]), headers={"Idempotency-Key": "l"}, timeout=10)
    assert problem(chunked) == (411, "length")


def test_a_client_that_hangs_holds_up_no_other(bot: RunningBot):
    parts = urlsplit(bot.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as half:
        half.sendall(b"PUT /circuit HTTP/1.1\r\nContent-Le")
        assert bot.state()["version"] == "1.0.0"


def test_error_500_and_refuse_are_said_and_not_done(clean: RunningBot):
    before = clean.state()["strategy_scale"]
    for fault, expected in (("error_500", (500, "internal error")), ("refuse", (409, "refused"))):
        clean.faults(**{fault: True})
        assert problem(clean.put("/strategy-scale", fault, strategy_scale=0.125)) == expected
    assert clean.state()["strategy_scale"] == before


def test_a_lie_is_said_to_be_done_and_is_not(clean: RunningBot):
    before = clean.state()["strategy_scale"]
    clean.faults(lie=True)
    answer = clean.put("/strategy-scale", "lie", strategy_scale=0.125)
    assert (answer.status_code, answer.json()["strategy_scale"]) == (200, 0.125)
    assert clean.state()["strategy_scale"] == clean.value("mm_strategy_scale") == before


def test_a_lie_of_the_state_is_only_seen_in_the_metrics(clean: RunningBot):
    before = clean.state()["strategy_scale"]
    clean.faults(lie_state=True)
    clean.put("/strategy-scale", "lie state", strategy_scale=0.125)
    assert (clean.state()["strategy_scale"], clean.value("mm_strategy_scale")) == (0.125, before)


def test_a_hang_is_no_answer_and_the_faults_can_still_be_taken_back(clean: RunningBot):
    clean.faults(hang=0.2)
    with pytest.raises(requests.ConnectionError):
        clean.put("/strategy-scale", "hang", strategy_scale=0.125)
    clean.faults()
    assert clean.put("/strategy-scale", "hang", strategy_scale=0.125).status_code == 200


def test_control_asks_for_the_token_as_it_is_now_and_metrics_do_not(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("first\n")
    with running(tmp_path, "--token-file", str(token)) as found:

        def asked(given: str) -> int:
            return requests.get(f"{found.url}/state", headers={"Authorization": given}, timeout=10).status_code

        assert [asked(given) for given in ("Bearer first", "Bearer second", "first", "")] == [200, 401, 401, 401]
        token.write_text("second\n")
        assert [asked(given) for given in ("Bearer first", "Bearer second")] == [401, 200]
        refused = found.put("/trading-state", "k", trading_state="HALTED")
        assert problem(refused) == (401, "token")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert "second" not in refused.text
        assert found.value("mm_trading_state", state="HALTED") == 0
        assert requests.post(f"{found.url}/faults", json={}, timeout=10).status_code == 404, (
            "not without --allow-faults"
        )


@pytest.mark.parametrize("kept", [True, False], ids=["with a state file", "without"])
def test_a_restart_amid_a_halt_forgets_it_but_not_with_a_state_file(tmp_path: Path, kept: bool):  # noqa: FBT001
    flags = ["--state-file", str(tmp_path / "state.json")] if kept else []
    with running(tmp_path, "--allow-faults", *flags) as found:
        before = found.state()
        found.faults(restart=True)
        with pytest.raises(requests.ConnectionError):
            found.put("/trading-state", "k", trading_state="HALTED")
        found.await_ready()
        after = found.state()
        assert after["instance"] != before["instance"]
        assert after["sequence"] > before["sequence"]
        assert after["trading_state"] == ("HALTED" if kept else "ACTIVE")
        assert found.process.poll() is None, "the same process, another program"
