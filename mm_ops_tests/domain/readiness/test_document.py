from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops.domain.readiness.finding import readiness_finding
from mm_ops.domain.verdict import Verdict
from mm_ops_tests.domain.readiness.written import document


def test_the_text_shows_the_word_the_sections_and_what_is_missing():
    text = readiness_markdown(document(taker_share=None))
    assert text.startswith("# HOLD: paper 1.0.0, 2026-11-20, 85 of 100")
    assert "| taker | 0 of 15 | not measured | taker_share is missing on 7 of 7 days |" in text
    assert "- 2026-11-14: taker_share" in text
    assert "Nothing is missing." in readiness_markdown(document())
    assert "failed" in readiness_markdown(document(chaos_ok=False))


def test_go_passes_and_hold_fails_with_its_reasons():
    assert readiness_finding(document()).verdict is Verdict.PASS
    held = readiness_finding(document(net_edge_bps=1.25, taker_share=0.3, chaos_ok=False, tests_ok=False))
    assert (held.verdict, held.value, held.margin) == (Verdict.FAIL, 57.5, -42.5)
    assert held.reason == (
        "HOLD: edge: median 1.25 bps, full at 2.5 or more; taker: median 0.3 of notional, full at 0.15 or less; "
        "chaos: OK on 0 of 7 days and 1 more"
    )
