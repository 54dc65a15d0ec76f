from typing import Any

import pytest

from mm_ops.adapters.readiness_html import render_readiness_page
from mm_ops.domain.readiness.history import score_history
from mm_ops_tests.domain.readiness.week import LAST
from mm_ops_tests.domain.readiness.written import document

STATEMENT = {"sections": ["edge"], "expires": "2026-11-22T08:00:00+00:00", "by": "Ada <b>", "reason": "it was halted"}


def page(**different: Any) -> str:
    override = different.pop("override", None)
    made = {**document(**different), "override": override}
    return render_readiness_page(made, score_history(made, lambda _: None, LAST)).decode()


def test_a_go_shows_its_word_its_history_and_every_section_day_and_gate():
    text = page()
    assert "<strong>GO: 100 of 100</strong>" in text
    assert "What alone would turn it into HOLD" in text
    assert "Readiness, 2026-10-22 to 2026-11-20, 1 bars" in text
    for name in ("edge", "latency", "taker", "guards", "chaos", "tests", "identity"):
        assert f'<td class="name">{name}</td>' in text
    assert text.count("<td>2026-11-") == 7
    assert "<script" not in text


def test_a_hold_shows_why_and_what_is_missing():
    text = page(net_edge_bps=1.25, taker_share=None)
    assert "<strong>HOLD: 70 of 100</strong>" in text
    assert "<li>edge: median 1.25 bps, full at 2.5 or more</li>" in text
    assert "<b>missing</b>" in text
    assert "<li>2026-11-14: taker_share</li>" in text
    assert "No single section and no single day turns it" in text


@pytest.mark.parametrize(("refused", "word"), [([], "Overridden"), (["expired"], "An override that does not count")])
def test_an_override_is_shown_with_whose_it_is_and_is_escaped(refused: list[str], word: str):
    override = {"content": {"statement": STATEMENT}, "refused": refused}
    text = page(net_edge_bps=2.0, override=override)
    assert f"<li>{word}: edge passed over until 2026-11-22T08:00:00+00:00 by Ada &lt;b&gt;: it was halted</li>" in text
    assert ("<li>override refused: expired</li>" in text) == bool(refused)
    assert "override refused: no override" in page(override={"content": None, "refused": ["no override: x"]})


def test_the_same_page_is_the_same_bytes():
    assert page() == page()
