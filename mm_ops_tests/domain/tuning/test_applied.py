from datetime import UTC, datetime

import pytest

from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.tuning.applied import Applied, put_on_record, read_applied

ONE = Applied(
    utc=datetime(2026, 11, 25, tzinfo=UTC),
    by="Ada",
    reason="the sweep of November",
    made_by="0.1.0",
    factor_before=1.0,
    factor_after=1.25,
    before=f"sha256:{'0' * 64}",
    after=f"sha256:{'1' * 64}",
    cells=(),
)


def test_records_are_read_back_as_they_were_written() -> None:
    assert read_applied(encode([ONE]), "r") == (ONE,)
    assert put_on_record([], ONE) == (ONE,)
    assert put_on_record([ONE], ONE) == (ONE,)


@pytest.mark.parametrize("data", [b"", b"{}", b'[{"by": "A"}]'])
def test_what_is_no_record_is_refused_with_its_place(data: bytes) -> None:
    with pytest.raises(SchemaError, match="r: "):
        read_applied(data, "r")
