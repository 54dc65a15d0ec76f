import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.secrets.scan import PIECE, Scanner, entropy, fingerprint
from mm_ops_tests.planted_secrets import drawn, planted, policy

PLANTED = planted()
SCANNER = Scanner(policy())
KEY = drawn(64)
LINE = f"binance_key = {KEY}"


def never() -> bool:
    return False


def rules(data: bytes) -> list[str]:
    return [hit.rule for hit in SCANNER.scan(data, never).hits]


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_secret_is_found_by_its_rule(case: str):
    text, secret = PLANTED[case]
    found = SCANNER.scan(f"before\n\n{text}\nafter".encode(), never)
    assert found.unfinished is None
    assert [hit.rule for hit in found.hits] == [case.split(maxsplit=1)[0].rstrip(",")]
    if secret:
        assert found.hits[0].fingerprint == fingerprint(secret.encode())


@pytest.mark.parametrize("case", PLANTED)
def test_a_secret_is_found_in_base64_in_hex_in_utf_16_and_in_both_at_once(case: str):
    text = PLANTED[case][0].encode()
    expected = rules(text)
    assert expected
    assert rules(b"data: " + base64.b64encode(text)) == expected
    assert rules(b"data: " + base64.urlsafe_b64encode(text).rstrip(b"=")) == expected
    assert rules(text.hex().encode()) == expected
    assert rules(PLANTED[case][0].encode("utf-16")) == expected
    assert rules(base64.b64encode(text.hex().encode())) == expected


@pytest.mark.parametrize("width", [1, 2, 5, 100])
def test_a_secret_is_found_whose_letters_are_escaped(width: int):
    escaped = "".join(f"\\u{ord(c):04x}" if n % width == 0 else c for n, c in enumerate(LINE))
    assert rules(b'{"a": "' + escaped.encode() + b'"}') == ["binance_key"]
    assert rules(b'{"a": "' + escaped.replace("\\u00", "\\\\x").encode() + b'"}') == ["binance_key"]


def test_the_line_is_that_of_the_file_whatever_was_decoded():
    text = f"one\ntwo\n{base64.b64encode(LINE.encode()).decode()}\nfour\n"
    hit = SCANNER.scan(text.encode(), never).hits[0]
    assert (hit.line, hit.via, hit.length) == (3, "decoded", 64)
    later = f"{text}\\u002f\n\n{LINE}\n"
    assert [hit.line for hit in SCANNER.scan(later.encode(), never).hits] == [7]


def test_base64_in_lines_is_read_as_one_text():
    wrapped = base64.encodebytes(b"x" * 50 + LINE.encode())
    assert rules(wrapped) == ["binance_key"]
    assert rules(wrapped.replace(b"\n", b"\\n")) == ["binance_key"]


@pytest.mark.parametrize(
    "text",
    [
        "api_key: ${BINANCE_API_KEY}",
        "api_key: {{ vault.binance.api_key }}",
        f"binance sha256: {drawn(64, '0123456789abcdef')}",
        "binance_api_key = 'your_" + "k3Y" * 20 + "'",
        "-----BEGIN " + "PRIVATE KEY----- is what the file begins with",
        f'"secrets_scan": "{drawn(64, "0123456789abcdef")}"',
        "secret: " + "A1a" * 12,
        "http://user:pass@localhost",
        "token_file = deploy/hook2/token/Of/alertmanager",
        "password: 'correct horse battery staple'",
    ],
)
def test_what_only_looks_like_one_is_no_secret(text: str):
    assert rules(text.encode()) == []


def test_a_secret_that_two_rules_know_is_told_once():
    assert rules(f"binance api_secret: {KEY}\n{LINE}\n".encode()) == ["binance_key"]


def test_a_secret_is_found_across_the_pieces_in_which_a_pattern_is_tried():
    crowded = ("binance " * (3 * PIECE // 8)).encode()
    for cut in (PIECE - 10, PIECE, 2 * PIECE + 200):
        assert rules(crowded[:cut] + b" " + KEY.encode() + b" " + crowded[cut:]) == ["binance_key"]


def test_names_far_from_each_other_are_each_looked_around():
    far = " " * 3000
    keys = [drawn(64, seed=n) for n in range(3)]
    found = SCANNER.scan(far.join(["", *(f"binance {key}" for key in keys)]).encode(), never)
    assert [hit.fingerprint for hit in found.hits] == [fingerprint(key.encode()) for key in keys]


def test_a_longer_word_holds_no_key_at_the_end_of_what_is_looked_at():
    far = b"binance" + b" " * 200
    assert rules(far + drawn(500).encode()) == []


def test_a_scan_that_runs_out_of_time_says_so_and_keeps_what_it_found():
    asked = iter(range(10**6))
    found = SCANNER.scan(f"{LINE}\n".encode() + b"secret " * PIECE, lambda: next(asked) > 8)
    assert found.unfinished == "the time for it was over"
    assert [hit.rule for hit in found.hits] == ["binance_key"]


def test_more_findings_than_anybody_reads_end_the_scan_and_are_told():
    most = policy().bounds.max_findings
    text = "\n".join(f"binance {drawn(64, seed=n)}" for n in range(most + 5))
    found = SCANNER.scan(text.encode(), never)
    assert len(found.hits) == most
    assert found.unfinished == f"{most} were found and the rest was not looked at"


@pytest.mark.parametrize("seed", range(5))
def test_a_line_of_a_million_bytes_is_scanned(seed: int):
    rng = random.Random(seed)
    noise = bytes(rng.choices(b'abc,:"0123456789 ', k=500_000))
    assert rules(noise + LINE.encode() + b" " + noise) == ["binance_key"]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_to_the_end(data: bytes):
    assert SCANNER.scan(data, never).unfinished is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_what_stands_around_a_line_hides_no_secret_in_it(before: bytes, after: bytes):
    assert "binance_key" in rules(before + b"\n" + LINE.encode() + b"\n" + after)


def test_entropy_is_shannons():
    assert entropy(b"aaaa") == 0.0
    assert entropy(b"abcd") == 2.0
    assert entropy(bytes(range(256))) == 8.0


def test_a_fingerprint_tells_a_secret_again_and_not_itself():
    assert fingerprint(b"one") == fingerprint(b"one")
    assert fingerprint(b"one") != fingerprint(b"two")
    assert len(fingerprint(b"one")) == 16


def test_a_file_that_is_called_after_an_exchange_needs_no_name_inside():
    lines = f"{drawn(64)}\n{drawn(64, seed=2)}\n".encode()
    assert not SCANNER.scan(lines, never).hits
    found = SCANNER.scan(lines, never, "keys/binance.key").hits
    assert [(hit.rule, hit.line) for hit in found] == [("binance_key", 1), ("binance_key", 2)]


def test_a_secret_in_a_name_is_found_and_not_told():
    token = f"ghp_{drawn(36)}"
    told, hits = SCANNER.redact(f"a/{token}.txt")
    assert told == "a/<github_token>.txt"
    assert [(hit.rule, hit.via) for hit in hits] == [("github_token", "in the name")]
    assert SCANNER.redact("reports/soak_metrics.json") == ("reports/soak_metrics.json", ())
    assert SCANNER.redact(base64.b64encode(token.encode()).decode())[0] == "<github_token>"
