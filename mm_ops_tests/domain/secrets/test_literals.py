from hypothesis import example, given
from hypothesis import strategies as st

from mm_ops.domain.secrets.literals import PIECE, Literals

WORDS = (b"okx", b"ok-access-", b"binance", b"bina", b"://", b"-----begin")


def nothing() -> None:
    """Let it go on."""


def slow(data: bytes) -> dict[bytes, list[int]]:
    found = {word: [n for n in range(len(data)) if data.startswith(word, n)] for word in WORDS}
    return {word: places for word, places in found.items() if places}


@given(
    st.lists(st.sampled_from([*WORDS, b"o", b"k", b"x", b"b", b"in", b"\0", b"\xff", b":/"]), max_size=30).map(b"".join)
)
@example(b"")
@example(b"ok")
def test_every_literal_is_found_wherever_it_stands(data: bytes):
    assert Literals(WORDS).find(data, nothing) == slow(data)


def test_a_literal_that_lies_across_two_pieces_is_found_once():
    for cut in range(12):
        data = b" " * (PIECE - cut) + b"binance" + b" " * 20
        assert Literals(WORDS).find(data, nothing) == {b"bina": [PIECE - cut], b"binance": [PIECE - cut]}
