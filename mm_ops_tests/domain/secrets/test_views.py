import base64

from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.secrets.views import SHORTEST, View, views_of

TEXT = b"what was said, and by whom it was"


def vias(data: bytes, depth: int = 3) -> dict[str, bytes]:
    return {view.via: view.data for view in views_of(data, depth)}


def test_plain_text_is_one_view():
    assert vias(TEXT) == {"": TEXT}


def test_nothing_is_a_view_of_nothing():
    assert vias(b"") == {"": b""}


@given(st.binary(max_size=9), st.integers(0, 3))
def test_base64_is_read_wherever_it_begins(before: bytes, longer: int):
    whole = base64.b64encode(TEXT + b"." * longer)
    found = vias(before.replace(b"\\", b"") + b" " + b"ab/"[:longer] + whole)
    assert any(TEXT in data for data in found.values())


def test_decoding_ends_at_its_depth():
    once = base64.b64encode(TEXT)
    thrice = base64.b64encode(base64.b64encode(once))
    assert TEXT in vias(thrice, 3)["decoded, decoded, decoded"]
    assert not any(TEXT in data for data in vias(thrice, 2).values())


def test_what_is_no_text_is_not_read():
    assert vias(base64.b64encode(bytes(range(128, 190)))) == {"": base64.b64encode(bytes(range(128, 190)))}
    assert list(vias(b"00" * 20)) == [""]


def test_short_words_and_words_of_one_case_are_not_base64():
    assert list(vias(b"A1b" * 7 + b" " + b"abcdefgh" * 9 + b" " + b"ABCDEFGH" * 9)) == [""]
    assert SHORTEST == 24


def test_a_hexadecimal_word_of_odd_length_is_read_as_far_as_it_goes():
    assert TEXT in vias(TEXT.hex().encode() + b"a")["decoded"]


def test_utf_16_is_read_without_its_nuls():
    assert vias(TEXT.decode().encode("utf-16-le"))["without NULs"] == TEXT


def test_escapes_far_apart_are_read_each_with_what_stands_around_it():
    far = b"-" * 5000
    found = [view for view in views_of(far + b"\\u0061" + far + b"\n" + far + b"\\/", 1) if view.via == "unescaped"]
    assert len(found) == 1
    assert found[0].data.count(b"\n") == 2
    assert found[0].line(found[0].data.index(b"a")) == 1
    assert found[0].line(found[0].data.index(b"/")) == 2


def test_a_line_of_what_was_decoded_twice_is_that_of_the_file():
    inner = base64.b64encode(TEXT)
    data = b"\n\n\n" + base64.b64encode(b"x = " + inner) + b"\n"
    lines = {view.via: view.line(view.data.index(TEXT)) for view in views_of(data, 3) if TEXT in view.data}
    assert lines == {"decoded, decoded": 4}


def test_a_view_without_parts_counts_its_own_lines():
    assert View(b"a\nb\nc").line(4) == 3
