"""Commands over HTTP to a bot that really runs, with each way of being deaf, and to servers that are none."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.bot import Circuit, HttpBot
from mm_ops.domain.errors import EffectNotConfirmedError, SourceUnavailableError
from mm_ops.domain.rollback.bot import (
    BotControl,
    Command,
    FreezeOrders,
    SetCircuit,
    SetProfile,
    SetScale,
    SetTradingState,
    TradingState,
    shows,
)
from mm_ops.domain.rollback.bot import Circuit as BotCircuit
from mm_ops_tests.adapters.test_bot_state import GOOD
from mm_ops_tests.hostile_server import answer, drips, hostile, says
from mm_ops_tests.live_paperbot import RunningBot, running

HALT = SetTradingState(TradingState.HALTED)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with running(tmp_path_factory.mktemp("bot"), "--allow-faults") as found:
        yield found


@pytest.fixture
def clean(bot: RunningBot) -> Iterator[RunningBot]:
    yield bot
    bot.faults()


def client(url: str, seconds: float = 10.0, attempt: float = 2.0, token_file: Path | None = None) -> HttpBot:
    limits = {"timeout": timedelta(seconds=seconds), "attempt": timedelta(seconds=attempt)}
    return HttpBot(url, **limits, settle=timedelta(milliseconds=200), token_file=token_file)


def state(**changes: Any) -> str:
    return answer(json.dumps({**GOOD, **changes}))


COMMANDS: list[Command] = [
    SetScale(0.0),
    SetCircuit(BotCircuit.OPEN),
    FreezeOrders(frozen=True),
    SetProfile("conservative"),
    SetTradingState(TradingState.REDUCING),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_confirmed_by_the_state_that_is_read_back(bot: RunningBot, command: Command):
    control: BotControl = client(bot.url)
    found = control.apply(command, f"key of {command}")
    assert shows(found, command)
    assert shows(control.read(), command)
    before = control.read().sequence
    assert control.apply(command, f"key of {command}").sequence == before, "the same key twice is one effect"


def test_a_late_retry_does_not_undo_a_newer_command_and_is_not_reported_as_done(bot: RunningBot):
    control = client(bot.url)
    control.apply(SetScale(0.5), "old")
    control.apply(SetScale(0.0), "new")
    with pytest.raises(
        EffectNotConfirmedError, match=r"strategy_scale = 0\.5: the bot said it was done, .* reads 0\.0$"
    ):
        control.apply(SetScale(0.5), "old")
    assert control.read().strategy_scale == 0.0


def test_a_refusal_is_not_confirmed_and_says_why(bot: RunningBot):
    control = client(bot.url)
    with pytest.raises(EffectNotConfirmedError, match=r"the bot answered 422 value: profile: expected base, .* reads "):
        control.apply(SetProfile("reckless"), "reckless")


def test_a_halt_that_is_latched_is_not_left_at_once(bot: RunningBot):
    control = client(bot.url)
    control.apply(HALT, "h1")
    with pytest.raises(EffectNotConfirmedError, match="409 latched"):
        control.apply(SetTradingState(TradingState.ACTIVE), "h2")
    control.apply(SetTradingState(TradingState.REDUCING), "h3")
    assert control.apply(SetTradingState(TradingState.ACTIVE), "h4").trading_state is TradingState.ACTIVE


DEAF = {
    "error_500": (EffectNotConfirmedError, "the bot answered 500 internal error"),
    "refuse": (EffectNotConfirmedError, "the bot answered 409 refused"),
    "lie": (EffectNotConfirmedError, "the bot said it was done, and its state reads ACTIVE"),
    "hang": (SourceUnavailableError, "the bot gave no answer .* and its state reads ACTIVE"),
}


@pytest.mark.parametrize("fault", DEAF)
def test_a_deaf_bot_is_never_reported_as_stopped(clean: RunningBot, fault: str):
    kind, said = DEAF[fault]
    clean.faults(**{fault: True})
    with pytest.raises(kind, match=said):
        client(clean.url, 3.0, 0.5).apply(HALT, f"halt {fault}")
    assert clean.value("mm_trading_state", state="HALTED") == 0


def test_a_bot_that_forgets_a_command_in_a_restart_is_asked_again(clean: RunningBot):
    clean.faults(restart=True)
    asked = client(clean.url, 30.0)
    for _ in range(100):  # a slow machine takes longer to start a bot than one call waits; the key stays the same
        try:
            state = asked.apply(HALT, "restart")
            break
        except SourceUnavailableError:
            continue
    assert state.trading_state is TradingState.HALTED
    assert clean.value("mm_trading_state", state="HALTED") == 1


def test_a_command_whose_answer_was_lost_is_confirmed_by_the_state_alone():
    lost, done = says(""), says(state(trading_state="HALTED"))
    with hostile(*[lost] * 6, done) as (url, heads):
        assert client(url).apply(HALT, "k").trading_state is TradingState.HALTED
    assert [head.partition(" ")[0] for head in heads] == ["PUT"] * 6 + ["GET"]
    assert all("Idempotency-Key: k\r\n" in head for head in heads[:6]), "every try is the same intention"


def test_what_may_pass_is_tried_again_and_what_is_decided_is_not():
    halted = says(state(trading_state="HALTED"))
    for status, puts in (("503 Service Unavailable", 2), ("429 Too Many Requests", 2), ("403 Forbidden", 1)):
        with hostile(says(answer("{}", status)), halted) as (url, heads):
            client(url).apply(HALT, "k")
        assert sum(head.startswith("PUT") for head in heads) == puts, status


def test_a_state_that_is_older_than_the_answer_confirms_nothing():
    new, old = state(trading_state="HALTED", sequence=9), state(trading_state="HALTED", sequence=8)
    with (
        hostile(says(new), says(old)) as (url, _),
        pytest.raises(EffectNotConfirmedError, match="older than the answer"),
    ):
        client(url).apply(HALT, "k")


def test_a_state_that_shows_the_command_a_moment_later_confirms_it():
    new, old = state(trading_state="HALTED"), state(trading_state="ACTIVE")
    with hostile(says(new), says(old), says(new)) as (url, _):
        assert client(url).apply(HALT, "k").trading_state is TradingState.HALTED


UNREADABLE = {
    "another document": (says(answer("{}")), "the state lacks trading_state"),
    "no JSON": (says(answer("<html>")), "not JSON"),
    "a login page": (says(answer("", "302 Found")), "the state is not given: 302"),
    "an error": (says(answer("{}", "404 Not Found")), "the state is not given: 404"),
    "an impossible value": (says(state(strategy_scale=7)), "strategy_scale: expected 0 to 1, was 7"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_state_that_cannot_be_understood_is_no_state(name: str):
    behaviour, said = UNREADABLE[name]
    with hostile(behaviour) as (url, _), pytest.raises(SourceUnavailableError, match=said):
        client(url).read()
    with hostile(behaviour) as (url, _), pytest.raises(SourceUnavailableError, match=said):
        client(url).apply(HALT, "k")


@pytest.mark.timeout(60)
def test_time_is_for_the_whole_of_it_so_that_a_server_that_drips_for_ever_is_left():
    with hostile(drips("HTTP/1.1 200 OK\r\nX: ", "x")) as (url, _), pytest.raises(SourceUnavailableError):
        client(url, 1.0, 0.2).apply(HALT, "k")


def test_no_password_and_no_token_is_in_a_message(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("hunter2")
    url = "http://user:hunter3@127.0.0.1:9"
    for act in (client(url, token_file=token).read, lambda: client(url, token_file=token).apply(HALT, "k")):
        with pytest.raises(SourceUnavailableError) as caught:
            act()
        assert "hunter" not in str(caught.value)
        assert "bot http://127.0.0.1:9: " in str(caught.value)


def test_the_token_is_sent_and_read_each_time(tmp_path: Path):
    token = tmp_path / "token"
    with hostile(says(state())) as (url, heads):
        control = client(url, token_file=token)
        for secret in ("one", "two"):
            token.write_text(secret)
            control.read()
        token.unlink()
        with pytest.raises(SourceUnavailableError, match="the bot's token is not readable"):
            control.read()
    assert ["Authorization: Bearer one\r\n" in heads[0], "Authorization: Bearer two\r\n" in heads[1]] == [True, True]


def test_after_some_silence_reads_are_refused_at_once_and_a_command_is_tried_once():
    with hostile(says("")) as (url, heads):
        control = client(url)
        control._circuit.pause_s = 60.0  # noqa: SLF001 - so that no machine is too slow for this test
        with pytest.raises(SourceUnavailableError, match="the connection was lost"):
            control.read()
        tries = len(heads)
        with pytest.raises(SourceUnavailableError, match="not asked: it has not answered lately"):
            control.read()
        assert len(heads) == tries
        with pytest.raises(SourceUnavailableError):
            control.apply(HALT, "k")
        assert [head.partition(" ")[0] for head in heads[tries:]] == ["PUT", "GET"], "a stop is always tried"


def test_the_circuit_opens_after_failures_in_a_row_and_an_answer_closes_it():
    circuit = Circuit(opens_after=2, pause_s=10.0)
    circuit.note(0.0, answered=False)
    circuit.note(1.0, answered=True)
    circuit.note(2.0, answered=False)
    assert not circuit.is_open(2.0)
    circuit.note(3.0, answered=False)
    assert [circuit.is_open(now) for now in (3.0, 12.9, 13.0)] == [True, True, False]
    circuit.note(13.0, answered=False)
    assert circuit.is_open(13.0), "one more failure opens it again"
    circuit.note(14.0, answered=True)
    assert not circuit.is_open(14.0)


def test_many_threads_command_one_bot_and_each_is_confirmed(bot: RunningBot):
    control, failed = client(bot.url), list[Exception]()

    def work(number: int) -> None:
        try:
            control.apply(FreezeOrders(frozen=True), f"thread {number}")
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert control.read().orders_frozen
