import re

import numpy as np
import pytest

from mm_ops import __version__
from mm_ops.adapters.soak_html import render_soak_page
from mm_ops.domain.charts.spans import Breach, Span
from mm_ops.domain.soak.page import Page
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.html_reader import Reader, contrast, in_order, needs_nothing, read_html
from mm_ops_tests.soak_pages import TIMES, broken, finding, healthy, lag, missing, page

EVIL = "<img src=x onerror=alert(1)>\"'&"


def read(shown: Page) -> Reader:
    return read_html(render_soak_page(shown))


def text(shown: Page) -> str:
    return read(shown).words()


@pytest.mark.parametrize("shown", [healthy(), broken(), missing()], ids=["healthy", "broken", "missing"])
def test_the_file_needs_nothing_from_elsewhere_and_runs_nothing(shown: Page):
    needs_nothing(render_soak_page(shown))


def test_the_same_page_gives_the_same_bytes_without_the_time_of_writing():
    assert render_soak_page(broken()) == render_soak_page(broken())
    years = set(re.findall(r"\b20\d\d\b", text(broken())))
    assert years == {"2026"}


@pytest.mark.parametrize(
    ("shown", "word"), [(healthy(), "✓ Pass"), (broken(), "✕ Fail"), (missing(), "? Inconclusive")]
)
def test_the_verdict_comes_first_as_a_word_and_a_sign_and_not_only_as_a_colour(shown: Page, word: str):
    assert in_order(text(shown), "Soak of paper", word, "Worst margins", "Indicators", "Gates", "Evidence")


def test_what_failed_stands_above_what_passed_in_gates_and_in_charts():
    whole = text(broken())
    assert in_order(
        whole,
        "1 of 1 hard gates failed: ws_lag_max_ms.",
        "1 soft gate did not pass: edge_bps_ema24h.",
        "356 % beyond the limit",
        "soak.yaml changed after the soak began",
        "Websocket lag, maximum",
        "Net edge, 24 h EMA",
        "ws_lag_max_ms was looked at",
        "edge_bps_ema24h was looked at",
    )


def test_breaches_gaps_and_restarts_are_written_under_their_chart():
    whole = text(broken())
    assert "SoakWSLagHigh: 19 Nov 13:30 to 19 Nov 13:30:15 (15 s), worst 912 ms" in whole
    assert "No data: 19 Nov 00:59:45 to 19 Nov 01:45 (45 min 15 s). Restarts: 19 Nov 01:45." in whole
    assert "No data" not in text(healthy())


def test_many_breaches_are_folded_and_none_is_left_out():
    many = tuple(Breach(Span(int(TIMES[n]), int(TIMES[n + 9])), float(n), f"Alert{n}") for n in range(0, 400, 10))
    judged = [finding("ws_lag_max_ms", Verdict.FAIL)]
    shown = page(Verdict.FAIL, judged, [lag(breaches=many)])
    assert "34 more" in text(shown)
    assert all(f"Alert{n}:" in text(shown) for n in range(0, 400, 10))


def test_each_chart_is_drawn_for_a_desk_and_for_a_phone_with_words_for_who_cannot_see_it():
    drawings = [attributes for tag, attributes in read(broken()).elements if tag == "svg" and "role" in attributes]
    assert [one["width"] for one in drawings] == ["960", "400", "960", "400"]
    assert all(one["role"] == "img" and (one["aria-label"] or "").count("limit") for one in drawings)


def test_a_page_of_very_many_charts_stays_below_a_megabyte():
    noise = np.random.default_rng(7).normal(80, 5, TIMES.size)
    charts = [lag(name=f"sli_{n}", values=noise) for n in range(50)]
    assert len(render_soak_page(page(Verdict.FAIL, [finding("a", Verdict.FAIL)], charts))) < 1_000_000


def test_every_id_is_there_once_and_every_link_leads_to_one():
    elements = read(broken()).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    links = {(attributes["href"] or "").removeprefix("#") for _, attributes in elements if "href" in attributes}
    assert len(ids) == len(set(ids))
    assert links == {"ws_lag_max_ms", "edge_bps_ema24h"} <= set(ids)


def test_the_evidence_is_named_with_digests_queries_and_the_version_that_wrote_it():
    whole = text(healthy())
    assert in_order(
        whole,
        "2026-11-18T00:00:00Z/2026-11-21T00:00:00Z",
        'prometheus, bot="paper"',
        "slis.yaml",
        "sha256:aaaa",
        "soak.yaml",
        "sha256:bbbb",
        f"mm_ops {__version__}",
        'max_over_time(mm_ws_lag_max_ms{bot="paper"}[72h])',
    )


def test_a_soak_without_evidence_shows_no_number_in_its_place():
    whole = text(missing())
    assert whole.count("not measured, ≤ 200 ms") == 4
    assert whole.count("no samples") == 4
    assert "No data: 18 Nov 00:00 to 21 Nov 00:00 (3 d)." in whole


def test_a_page_without_gates_or_charts_says_so():
    whole = text(page(Verdict.INCONCLUSIVE, [], []))
    assert in_order(whole, "No gate was judged.", "No indicator was measured.")


def test_words_from_elsewhere_stay_words():
    judged = [finding("lag", Verdict.FAIL, reason=EVIL, unit=EVIL, value=1.0, margin=-1.0)]
    chart = lag(title=EVIL, unit=EVIL, breaches=(Breach(Span(int(TIMES[0]), int(TIMES[1])), 1.0, EVIL),))
    shown = page(
        Verdict.FAIL, judged, [chart], source=EVIL, policies={EVIL: EVIL}, queries={EVIL: EVIL}, remarks=[EVIL]
    )
    assert "img" not in {tag for tag, _ in read(shown).elements}
    assert text(shown).count(EVIL) > 8


def test_the_measure_of_contrast_is_that_of_the_guideline():
    """Black on white is 21; #767676 is the lightest grey that has 4.5 on white (WCAG 2.1's own example)."""
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_enough_on_every_ground(scheme: int):
    html = render_soak_page(healthy()).decode()
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", re.findall(r":root \{(.*?)\}", html, re.DOTALL)[scheme]))
    for verdict in ("pass", "fail", "inconclusive"):
        assert contrast(colours["on-verdict"], colours[verdict]) >= 4.5
    for word in ("ink", "soft", "link", "pass", "fail", "inconclusive"):
        assert contrast(colours[word], colours["ground"]) >= 4.5
    assert min(contrast(colours[word], colours["raised"]) for word in ("ink", "soft")) >= 4.5
