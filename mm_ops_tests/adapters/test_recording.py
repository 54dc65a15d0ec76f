import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.recording import RecordingSamples, encode_samples
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SchemaError
from mm_ops.domain.sli.series import SAMPLE_SCHEMA, Selector
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.soak_samples import END, WINDOW, catalogue, frame_of, healthy, write_recording

HEALTHY = healthy()
SELECTORS = catalogue().selectors()
READ = HEALTHY.filter(~pl.col("labels").str.contains("closed"))


def day_file(root: Path) -> Path:
    return root / "samples" / f"date={END.isoformat()}" / "samples.parquet"


@pytest.fixture(name="root")
def recorded(tmp_path: Path) -> Path:
    return write_recording(tmp_path, HEALTHY)


def test_what_was_recorded_is_read_back_sorted_over_all_days(root: Path) -> None:
    assert RecordingSamples(root).read(SELECTORS, WINDOW).equals(READ)


def test_only_rows_of_the_half_open_window_are_read(root: Path) -> None:
    window = TimeWindow.ending(WINDOW.end - timedelta(hours=30), timedelta(hours=1))
    found = RecordingSamples(root).read([Selector("mm_ticks_total")], window)
    assert found.height == 240
    assert (found["ts_ns"].min(), found["ts_ns"].max()) == (window.start_ns, window.end_ns - 15_000_000_000)


def test_only_the_selected_series_are_read_each_once(root: Path) -> None:
    wanted = [Selector("mm_guard_trip_total", {"guard": "drift"}), Selector("mm_guard_trip_total", {"bot": "paper"})]
    found = RecordingSamples(root).read(wanted, WINDOW)
    assert found.equals(HEALTHY.filter(pl.col("metric") == "mm_guard_trip_total"))


def test_a_series_that_is_not_there_gives_no_rows(root: Path) -> None:
    assert RecordingSamples(root).read([Selector("mm_nope")], WINDOW).equals(SAMPLE_SCHEMA.to_frame())


def test_a_missing_day_leaves_a_gap(root: Path) -> None:
    day_file(root).unlink()
    found = RecordingSamples(root).read(SELECTORS, WINDOW)
    assert found["ts_ns"].max() == TimeWindow.of_day(END).start_ns - 15_000_000_000
    assert found.height == READ.height * 2 / 3


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_no_day_at_all_says_what_records_one(tmp_path: Path, folder: str) -> None:
    with pytest.raises(MissingEvidenceError, match=r"no samples of any day in .* `mm-ops paperbot record`"):
        RecordingSamples(tmp_path / folder).read(SELECTORS, WINDOW)


def keep_entries(root: Path, days: list[date]) -> None:
    for day in days:
        name = f"samples/date={day.isoformat()}/samples.parquet"
        entry = root / "days" / f"date={day.isoformat()}" / "day.json"
        entry.parent.mkdir(parents=True)
        entry.write_text(json.dumps({"files": {name: hashlib.sha256((root / name).read_bytes()).hexdigest()}}))


def test_a_day_that_the_recorder_did_not_finish_does_not_exist(root: Path) -> None:
    keep_entries(root, WINDOW.days()[:2])
    found = RecordingSamples(root).read(SELECTORS, WINDOW)
    assert found["ts_ns"].max() == TimeWindow.of_day(END).start_ns - 15_000_000_000


def test_a_file_that_is_not_the_recorded_one_is_refused(root: Path) -> None:
    keep_entries(root, WINDOW.days())
    assert RecordingSamples(root).read(SELECTORS, WINDOW).equals(READ)
    data = bytearray(day_file(root).read_bytes())
    data[5000] ^= 1
    day_file(root).write_bytes(data)
    with pytest.raises(IntegrityError, match=r"samples\.parquet: expected sha256 .*; record the day again"):
        RecordingSamples(root).read(SELECTORS, WINDOW)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {}}', '{"files": []}'])
def test_a_day_without_the_digest_of_its_samples_is_refused(root: Path, text: str) -> None:
    keep_entries(root, WINDOW.days())
    (root / "days" / f"date={END.isoformat()}" / "day.json").write_text(text)
    with pytest.raises(SchemaError, match=r"day\.json"):
        RecordingSamples(root).read(SELECTORS, WINDOW)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda _: b"nothing like Parquet, but long enough to be read as such", id="text"),
        pytest.param(lambda data: data[:-200] + bytes(192) + data[-8:], id="its footer zeroed"),
    ],
)
def test_a_corrupt_file_is_one_line_with_its_name(root: Path, damage: Callable[[bytes], bytes]) -> None:
    day_file(root).write_bytes(damage(day_file(root).read_bytes()))
    with pytest.raises(SchemaError) as refused:
        RecordingSamples(root).read(SELECTORS, WINDOW)
    assert str(refused.value).startswith(f"{day_file(root)}: not a Parquet file of samples: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda frame: frame.drop("labels"), "labels: expected String, was absent"),
        (lambda frame: frame.cast({"value": pl.Int64}), "value: expected Float64, was Int64"),
        (
            lambda frame: frame.with_columns(pl.lit(None, pl.Float64).alias("value")),
            "value: expected a value in every row",
        ),
        (lambda frame: frame.sort("ts_ns"), "expected all rows of a series together"),
        (lambda frame: frame.reverse(), "expected times that increase"),
        (
            lambda frame: (
                frame.with_columns(pl.lit("x").alias("labels")).unique(["metric", "ts_ns"]).sort("metric", "ts_ns")
            ),
            "labels: expected JSON, was 'x'",
        ),
    ],
)
def test_another_schema_is_one_line_with_the_file(
    root: Path, change: Callable[[pl.DataFrame], pl.DataFrame], fault: str
) -> None:
    change(pl.read_parquet(day_file(root))).write_parquet(day_file(root))
    with pytest.raises(SchemaError, match=fault) as refused:
        RecordingSamples(root).read(SELECTORS, WINDOW)
    assert str(refused.value).startswith(str(day_file(root)))


def test_a_further_column_is_left_alone(root: Path) -> None:
    more = pl.read_parquet(day_file(root)).with_columns(extra=pl.lit(1))
    more.write_parquet(day_file(root))
    assert RecordingSamples(root).read(SELECTORS, WINDOW).equals(READ)


def test_equal_frames_give_equal_bytes_and_other_frames_are_refused() -> None:
    small = frame_of({("m", "{}"): (HEALTHY["ts_ns"].head(3).to_numpy(), HEALTHY["value"].head(3).to_numpy())})
    assert encode_samples(small) == encode_samples(small.clone())
    with pytest.raises(SchemaError, match="samples to store: value: expected Float64, was absent"):
        encode_samples(small.drop("value"))
