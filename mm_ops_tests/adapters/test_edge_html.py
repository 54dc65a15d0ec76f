import pytest

from mm_ops import __version__
from mm_ops.adapters.edge_html import render_edge_page
from mm_ops.domain.edge.page import EdgePage
from mm_ops.domain.errors import SchemaError
from mm_ops_tests.edge_pages import doubtful, earned, empty, group, page, report, sound
from mm_ops_tests.html_reader import Reader, in_order, needs_nothing, read_html

EVIL = "<img src=x onerror=alert(1)>\"'&"
EVERY = pytest.mark.parametrize("shown", [sound(), doubtful(), empty()], ids=["sound", "doubtful", "empty"])


def read(shown: EdgePage) -> Reader:
    return read_html(render_edge_page(shown))


def text(shown: EdgePage) -> str:
    return read(shown).words()


def standing(shown: EdgePage) -> str | None:
    classes = [attributes["class"] or "" for _, attributes in read(shown).elements if attributes.get("class")]
    return next(one.removeprefix("verdict ") for one in classes if one.startswith("verdict "))


@EVERY
def test_the_file_needs_nothing_from_elsewhere_and_runs_nothing(shown: EdgePage):
    needs_nothing(render_edge_page(shown))


@EVERY
def test_the_same_page_gives_the_same_bytes(shown: EdgePage):
    assert render_edge_page(shown) == render_edge_page(shown)


@EVERY
def test_every_id_is_there_once(shown: EdgePage):
    ids = [attributes["id"] for _, attributes in read(shown).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_net_edge_comes_first_with_its_interval_and_each_limit_in_a_word_and_a_sign():
    assert in_order(
        text(page()),
        "Edge of paper",
        "20 Nov 2026 00:00 UTC to 21 Nov 2026 00:00 UTC (1 d)",
        "Net edge +2.60 bps",
        "95 % interval +2.10 to +3.10 bps",
        "above 0 bps: ✓ yes",
        "above 2 bps: ✓ yes",
        "above 2.5 bps: ? not decided",
        "What the numbers rest on",
        "From spread capture to net edge",
        "Markout of BBB-USDT",
        "Markout of AAA-USDT",
        "Net edge by hour",
        "Net edge so far",
        "In numbers",
        "Evidence",
    )


def test_what_speaks_against_the_numbers_stands_beside_them_the_bad_first():
    assert in_order(
        text(doubtful()),
        "Net edge +2.60 bps",
        "No interval: the window is 3.2 blocks long",
        "2 of 8 conditions do not hold: the numbers may be wrong",
        "✕ does not",
        "fills measured: 93.1 % (≥ 99 %)",
        "? not known",
        "window covered by quotes: not measured (≥ 99.9 %)",
        "✓ holds",
        "The side of 40 % of fills was inferred.",
        "Where it comes from",
    )
    assert [standing(one) for one in (sound(), doubtful(), empty())] == ["pass", "inconclusive", "inconclusive"]


def test_a_picture_whose_numbers_are_absent_says_so_in_its_place():
    whole = text(empty())
    assert in_order(
        whole,
        "Net edge not measured",
        "No limit was asked about.",
        "From spread capture to net edge, horizon 5s Not drawn: the report has no spread_capture_bps",
        "No symbol was filled.",
        "Net edge by hour, UTC Not drawn: no hour has a net edge in the report.",
        "Net edge so far Not drawn: no fill's money is known.",
        "money in no currency: there are no fills",
    )
    assert not [tag for tag, _ in read(empty()).elements if tag == "svg"]


def test_every_picture_is_drawn_for_a_desk_and_for_a_phone_and_markouts_once_for_both():
    drawings = [attributes for tag, attributes in read(sound()).elements if tag == "svg"]
    assert [one["width"] for one in drawings] == ["960", "400", "400", "400", "960", "400", "960", "400"]
    assert all(one["role"] == "img" and one["aria-label"] for one in drawings)


def test_of_many_symbols_the_largest_are_drawn_and_all_are_in_the_table():
    many = report(by_symbol={f"S{n:02d}": group(notional=1000.0 - n) for n in range(11)})
    whole = text(page(many))
    assert "Markout of S07" in whole
    assert "Markout of S08" not in whole
    assert "3 more symbols, with less notional, are in the table below." in whole
    assert "S10 symbol" in whole
    assert "more symbols" not in text(page())


def test_symbols_that_differ_in_signs_only_have_pictures_of_their_own():
    ids = [
        attributes.get("id")
        for _, attributes in read(page(report(by_symbol={"A-B": group(), "A/B": group()}))).elements
    ]
    assert {"markout.A_2dB", "markout.A_2fB"} <= set(ids)


def test_the_evidence_names_clocks_policies_and_the_version_that_wrote_it():
    assert in_order(
        text(page()),
        "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z",
        "clock of AAA-USDT",
        "exchange",
        "clock of BBB-USDT",
        "receive",
        "edge.yaml",
        "sha256:aaaa",
        f"mm_ops {__version__}",
    )


def test_words_from_elsewhere_stay_words():
    content = report(settlement=EVIL, by_symbol={EVIL: group()}, by_venue={EVIL: group()}, clocks={EVIL: EVIL})
    content["net_edge"] = {"reason": EVIL}
    content["quality"][EVIL] = 1
    shown = page(content, bot=EVIL, policies={EVIL: EVIL}, remarks=[EVIL])
    assert "img" not in {tag for tag, _ in read(shown).elements}
    assert text(shown).count(EVIL) > 8


def test_a_report_without_clocks_is_shown_and_one_without_a_window_is_refused():
    content = report()
    del content["clocks"], content["settlement"]
    assert "clock of" not in text(page(content))
    del content["window"]
    with pytest.raises(SchemaError, match="edge report: window"):
        render_edge_page(page(content))


def test_a_page_of_very_many_fills_stays_small():
    fills = earned(*((n / 8500, float(n % 7)) for n in range(200_000)))
    assert len(render_edge_page(page(earned=fills))) < 300_000
