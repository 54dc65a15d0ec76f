from mm_ops.domain.readiness.document import readiness_markdown
from mm_ops_tests.domain.readiness.written import document


def test_the_text_shows_the_word_the_sections_and_what_is_missing():
    text = readiness_markdown(document(taker_share=None))
    assert text.startswith("# HOLD: paper 1.0.0, 2026-11-20, 85 of 100")
    row = "| taker | 0 of 15 | not measured | taker_share is missing on 7 of 7 days | not known | not known |"
    assert row in text
    assert "- taker: taker_share is missing on 7 of 7 days\n" in text
    assert "What alone would turn it into GO:\n\n- taker alone: every day measured\n" in text
    assert "From the days' spread the score is 85 to 85.\n" in text
    assert "| identity | pass | to the last bit |" in text
    assert "| guards | 10 of 10 | 7 | 7 of 7 days without a guard trip | 10 | 8.75 to 10 |" in text
    assert "- 2026-11-14: taker_share" in text
    assert "Nothing is missing." in readiness_markdown(document())
    assert "No single section and no single day turns this HOLD." in readiness_markdown(
        document(taker_share=None, tests_ok=False)
    )
    assert "failed" in readiness_markdown(document(chaos_ok=False))
