import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from mm_ops.adapters.result_files import read_drill
from mm_ops.domain.chaos.policy import Drill, Expected
from mm_ops.domain.chaos.report import Drilled, chaos_document
from mm_ops.domain.chaos.sight import See

DAY = date(2026, 11, 25)
CUT = Drill(
    name="feed_cut",
    faults={"feed_cut": 1.0},
    lasts=(4.0, 12.0),
    during=(Expected(name="open_s", see=See.CIRCUIT_OPEN, within=2.5),),
    after=(Expected(name="again_s", see=See.QUOTING, within=10.0),),
    source="a worked example",
)
WENT = Drilled(drill=CUT, lasted_s=5.0, observed={"open_s": 2.0, "again_s": 6.0})


def outcome(*drilled: Drilled, expected: tuple[Drill, ...] = (CUT,)) -> tuple[str, list[str]]:
    document = chaos_document(drilled, expected, seed=7, day=DAY, bot={"version": "1.0.0"})
    return document["outcome"], document["reasons"]


def test_it_is_ok_only_when_everything_was_seen_in_its_time():
    assert outcome(WENT) == ("ok", [])
    late = replace(WENT, observed={"open_s": 2.6, "again_s": 6.0})
    assert outcome(late) == ("failed", ["feed_cut: open_s: expected within 2.5 s, was 2.6 s"])
    unseen = replace(WENT, observed={"open_s": 2.0, "again_s": None})
    assert outcome(unseen) == ("failed", ["feed_cut: again_s: expected within 10 s, was never seen"])
    assert outcome(replace(WENT, observed={}))[0] == "failed"
    assert outcome(replace(WENT, fault="does not quote again")) == ("failed", ["feed_cut: does not quote again"])


def test_a_drill_that_did_not_go_and_none_at_all_are_not_ok():
    assert outcome(WENT, expected=(CUT, replace(CUT, name="other"))) == ("failed", ["other: not run"])
    assert outcome(expected=()) == ("failed", ["no drill was expected"])


def test_the_document_is_read_as_a_days_drill_and_says_that_it_was_live(tmp_path: Path):
    document = chaos_document([WENT], [CUT], seed=7, day=DAY, bot={"version": "1.0.0"})
    path = tmp_path / "chaos_drill.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    read = read_drill(path, DAY)
    assert (read["kind"], read["outcome"], read["observed"]) == ("live", "ok", {"open_s": 2.0, "again_s": 6.0})
