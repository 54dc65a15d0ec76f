from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from mm_ops.domain.bots import (
    Bot,
    Fleet,
    HttpControl,
    JunitPlace,
    Recorded,
    Scraped,
    choose,
    choose_one,
    read_from_prometheus,
    refuse_drills_on,
)
from mm_ops.domain.errors import PolicyError
from mm_ops_tests.builders import WORDS


def bot(name: str) -> Bot:
    return Bot(
        name=name,
        version="1.0.0",
        samples=Recorded(kind="recording", path="r"),
        fills="f",
        quotes="q",
        results="x",
        day_entries="none",
        symbols=("AAA",),
        source=WORDS,
    )


FLEET = Fleet(first_day=date(2026, 1, 1), bots=(bot("mm1"), bot("mm2")), source=WORDS)


def test_all_bots_or_those_that_are_named():
    assert choose(FLEET, []) is FLEET
    assert [item.name for item in choose(FLEET, ["mm2"]).bots] == ["mm2"]


def test_a_bot_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(PolicyError, match=r"no bot mm3 in bots\.yaml; there are: mm1, mm2"):
        choose(FLEET, ["mm1", "mm3"])


def test_one_bot_is_named_or_the_only_one():
    assert choose_one(FLEET, "mm2").name == "mm2"
    with pytest.raises(PolicyError, match=r"--bot: expected one of mm1, mm2"):
        choose_one(FLEET, None)


def test_a_server_is_asked_for_each_bot_by_its_label():
    first, second = (item.samples for item in read_from_prometheus(FLEET, "http://127.0.0.1:9090").bots)
    assert isinstance(first, Scraped)
    assert isinstance(second, Scraped)
    assert (first.match, second.match) == ({"bot": "mm1"}, {"bot": "mm2"})
    assert first.words == 'Prometheus http://127.0.0.1:9090 {bot="mm1"}'
    assert FLEET.bots[0].samples.words == "recording r"


def test_an_address_that_is_none_is_refused():
    with pytest.raises(PolicyError, match="expected the address of a Prometheus"):
        read_from_prometheus(FLEET, "127.0.0.1:9090")


def test_a_server_without_a_label_would_mix_all_bots():
    with pytest.raises(ValidationError, match="name at least one label"):
        Scraped(kind="prometheus", url="http://x", match={}, timeout=timedelta(seconds=1))


def test_two_bots_of_one_name_and_a_fleet_of_none_are_refused():
    with pytest.raises(ValidationError, match="expected every name once, was twice: mm1"):
        replace(FLEET, bots=(bot("mm1"), bot("mm1")))
    with pytest.raises(ValidationError, match="expected at least one bot, was none"):
        replace(FLEET, bots=())


def test_a_bot_that_nobody_can_stop_is_not_drilled():
    assert (bot("mm1").drill, bot("mm1").watcher) == ("never", "required")
    with pytest.raises(ValidationError, match="drill: expected never for a bot without a control"):
        replace(bot("mm1"), drill="live")


def test_another_place_of_the_test_runs_is_another_origin_and_is_named_by_day():
    run = JunitPlace(at="https://ci/{day}/junit.xml")
    assert run.of_day(date(2026, 11, 20)) == "https://ci/2026-11-20/junit.xml"
    assert replace(bot("mm1"), tests=run).origin != bot("mm1").origin


@pytest.mark.parametrize("url", ["http://127.0.0.1:9108/", "http://localhost:9108"])
def test_a_bot_that_trades_is_not_drilled_by_mistake(url: str):
    trades = replace(bot("mm1"), control=HttpControl(kind="http", url="http://127.0.0.1:9108"))
    with pytest.raises(PolicyError, match=r"mm1 is controlled there \(bots\.yaml\)"):
        refuse_drills_on(replace(FLEET, bots=(trades,)), url)
    refuse_drills_on(replace(FLEET, bots=(replace(trades, drill="live"), bot("mm2"))), url)
    refuse_drills_on(replace(FLEET, bots=(trades,)), "http://127.0.0.1:9109")
    at = HttpControl(kind="http", url="https://bot")
    with pytest.raises(PolicyError, match="mm1 is controlled there"):
        refuse_drills_on(replace(FLEET, bots=(replace(trades, control=at),)), "https://bot:443/x")
