from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops_tests.domain.readiness.written import document


def test_the_text_shows_the_word_the_sections_and_what_is_missing():
    text = readiness_markdown(document(taker_share=None))
    assert text.startswith("# HOLD: paper 1.0.0, 2026-11-20, 85 of 100")
    assert "| taker | 0 of 15 | not measured | taker_share is missing on 7 of 7 days |" in text
    assert "- 2026-11-14: taker_share" in text
    assert "Nothing is missing." in readiness_markdown(document())
    assert "failed" in readiness_markdown(document(chaos_ok=False))
