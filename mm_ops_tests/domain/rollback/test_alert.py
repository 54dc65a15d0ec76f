from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mm_ops.domain.rollback.alert import fingerprint_of
from mm_ops_tests.rollback_world import alert

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it


def test_the_fingerprint_of_no_labels_is_the_basis_of_fnv():
    assert fingerprint_of({}) == "cbf29ce484222325"


def test_the_fingerprint_of_one_label_is_worked_by_hand():
    """FNV-1a of the bytes a, 255, b, 255: xor each into the value, then multiply by 1099511628211, modulo 2^64."""
    value = 14695981039346656037
    for byte in (97, 255, 98, 255):
        value = (value ^ byte) * 1099511628211 % 2**64
    assert fingerprint_of({"a": "b"}) == f"{value:016x}"


@given(st.dictionaries(st.text("ab", min_size=1), st.text("xy")), st.randoms())
def test_the_order_of_labels_does_not_matter(labels: dict[str, str], random: object):
    items = list(labels.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert fingerprint_of(dict(items)) == fingerprint_of(labels)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(microseconds=999)))
def test_times_of_one_millisecond_are_one_episode(moment: datetime, later: timedelta):
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert alert(starts_at=whole).episode == alert(starts_at=whole + later).episode
    assert alert(starts_at=whole).episode != alert(starts_at=whole + timedelta(milliseconds=1)).episode


def test_an_alert_names_its_bot_or_none():
    assert alert().bot == "paper"
    assert alert(bot="").bot is None
