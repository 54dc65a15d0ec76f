import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mm_ops.adapters.recording import RecordingSamples, encode_samples
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, SchemaError
from mm_ops.domain.sli.series import SAMPLE_SCHEMA, Selector, find_runs, join_runs, parse_labels, split_series
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.soak_samples import END, WINDOW, catalogue, frame_of, healthy, write_recording

HEALTHY = healthy()
SELECTORS = catalogue().selectors()
READ = join_runs(
    {
        (metric, labels): [rows]
        for metric, labels, rows in find_runs(HEALTHY)
        if any(selector.selects(metric, parse_labels(metric, labels)) for selector in SELECTORS)
    }
)


def day_file(root: Path) -> Path:
    return root / "samples" / f"date={END.isoformat()}" / "samples.parquet"


@pytest.fixture(name="root")
def recorded(tmp_path: Path) -> Path:
    return write_recording(tmp_path, HEALTHY)


def test_what_was_recorded_is_read_back_sorted_over_all_days(root: Path) -> None:
    assert RecordingSamples(root).read(SELECTORS, WINDOW).equals(READ)


def test_the_series_are_those_of_a_frame_that_knows_nothing_of_pieces(root: Path) -> None:
    """Against all files as one frame, for a window that begins and ends inside a day and inside a piece."""
    window = TimeWindow(WINDOW.start + timedelta(hours=5, seconds=7), WINDOW.end - timedelta(hours=31, seconds=1))
    inside = READ.filter((pl.col("ts_ns") >= window.start_ns) & (pl.col("ts_ns") < window.end_ns))
    for expected, selected in ((split_series(READ), WINDOW), (split_series(inside), window)):
        found = RecordingSamples(root).read_series(SELECTORS, selected)
        assert [(one.metric, one.labels) for one in found] == [(one.metric, one.labels) for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert np.array_equal(one.ts_ns, other.ts_ns)
            assert np.array_equal(one.values, other.values)


def test_series_that_are_scraped_together_share_their_times_wherever_pieces_are_cut(tmp_path: Path) -> None:
    """50 series of 20,000 samples are 1,000,000 rows: three cuts, each in the midst of a series."""
    start = TimeWindow.of_day(END).start_ns
    times = start + np.arange(20_000, dtype=np.int64) * 1_000_000_000
    frame = frame_of({(f"m{n:02d}", "{}"): (times, np.full(times.size, float(n))) for n in range(50)})
    found = RecordingSamples(write_recording(tmp_path, frame)).read_series(
        [Selector(f"m{n:02d}") for n in range(50)], TimeWindow.of_day(END)
    )
    assert all(one.ts_ns is found[0].ts_ns for one in found)
    assert np.array_equal(found[0].ts_ns, times)
    assert [(one.values.min(), one.values.max()) for one in found] == [(n, n) for n in range(50)]


def in_parts(root: Path, cuts_h: tuple[int, ...], day: date = END, selected: pl.DataFrame = HEALTHY) -> Path:
    """Write one day in several files, the hours at which each begins, and its entry."""
    midnight = TimeWindow.of_day(day).start
    starts = [midnight + timedelta(hours=hour) for hour in cuts_h] + [midnight + timedelta(days=1)]
    folder = root / "samples" / f"date={day.isoformat()}"
    folder.mkdir(parents=True)
    digests = {}
    for window in (TimeWindow(start, end) for start, end in itertools.pairwise(starts)):
        file = folder / f"part-{window.start:%H}.parquet"
        inside = (pl.col("ts_ns") >= window.start_ns) & (pl.col("ts_ns") < window.end_ns)
        file.write_bytes(encode_samples(selected.filter(inside)))
        digests[f"samples/{folder.name}/{file.name}"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_entry(root, day, digests)
    return folder


def write_entry(root: Path, day: date, digests: dict[str, str]) -> None:
    entry = root / "days" / f"date={day.isoformat()}" / "day.json"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(json.dumps({"files": digests}))


def test_a_day_may_lie_in_several_files(tmp_path: Path) -> None:
    for day, cuts in zip(WINDOW.days(), [(0,), (0, 1, 2, 23), (0, 12)], strict=True):
        in_parts(tmp_path, cuts, day)
    assert RecordingSamples(tmp_path).read(SELECTORS, WINDOW).equals(READ)


def test_the_files_of_a_day_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    in_parts(tmp_path, (0, 6, 12))
    listed = json.loads((tmp_path / "days" / f"date={END.isoformat()}" / "day.json").read_text())["files"]
    write_entry(tmp_path, END, dict(reversed(listed.items())))
    inside = READ.filter(pl.col("ts_ns") >= TimeWindow.of_day(END).start_ns)
    assert RecordingSamples(tmp_path).read(SELECTORS, WINDOW).equals(inside)


def test_a_file_may_have_a_single_row_and_another_none(tmp_path: Path) -> None:
    first = HEALTHY.filter(pl.col("ts_ns") == TimeWindow.of_day(END).start_ns).filter(
        pl.col("metric") == "mm_ticks_total"
    )
    in_parts(tmp_path, (0, 12), selected=first)
    assert RecordingSamples(tmp_path).read(SELECTORS, WINDOW).equals(first)


def test_only_files_that_the_entry_lists_are_read(tmp_path: Path) -> None:
    folder = in_parts(tmp_path, (0, 12))
    (folder / "samples.parquet").write_bytes(encode_samples(HEALTHY))
    (folder / "part-06.parquet").write_bytes(b"being written")
    inside = READ.filter(pl.col("ts_ns") >= TimeWindow.of_day(END).start_ns)
    assert RecordingSamples(tmp_path).read(SELECTORS, WINDOW).equals(inside)


def test_a_part_that_is_gone_is_told_and_makes_no_gap(tmp_path: Path) -> None:
    (in_parts(tmp_path, (0, 6, 12)) / "part-06.parquet").unlink()
    with pytest.raises(MissingEvidenceError, match=r"part-06\.parquet: no such file, though the day's entry lists it"):
        RecordingSamples(tmp_path).read(SELECTORS, WINDOW)


def test_a_part_that_is_not_the_recorded_one_is_refused(tmp_path: Path) -> None:
    folder = in_parts(tmp_path, (0, 6, 12))
    (folder / "part-06.parquet").write_bytes((folder / "part-12.parquet").read_bytes())
    with pytest.raises(IntegrityError, match=r"part-06\.parquet: expected sha256"):
        RecordingSamples(tmp_path).read(SELECTORS, WINDOW)


def test_files_that_overlap_or_stand_in_another_order_are_refused(tmp_path: Path) -> None:
    folder = in_parts(tmp_path, (0, 12))
    (folder / "part-12.parquet").rename(folder / "part-11.parquet")
    (folder / "part-00.parquet").rename(folder / "part-12.parquet")
    found = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    write_entry(tmp_path, END, {f"samples/{folder.name}/{file.name}": digest for file, digest in found.items()})
    with pytest.raises(SchemaError, match=r"part-12\.parquet: mm_.*: expected times that increase, was") as refused:
        RecordingSamples(tmp_path).read_series(SELECTORS, WINDOW)
    assert str(TimeWindow.of_day(END).start_ns) in str(refused.value)


def test_a_sample_in_the_files_of_two_days_is_refused(root: Path) -> None:
    """The first sample of the last day stands at the end of the day before as well."""
    before = root / "samples" / f"date={WINDOW.days()[1].isoformat()}" / "samples.parquet"
    until = TimeWindow.of_day(END).start_ns
    started = TimeWindow.of_day(WINDOW.days()[1]).start_ns
    before.write_bytes(encode_samples(HEALTHY.filter((pl.col("ts_ns") >= started) & (pl.col("ts_ns") <= until))))
    with pytest.raises(SchemaError, match=rf"{day_file(root)}: .*: expected times that increase, was {until} ns"):
        RecordingSamples(root).read(SELECTORS, WINDOW)


def test_a_series_in_two_places_far_apart_is_refused(tmp_path: Path) -> None:
    """300,000 rows of another series lie between, so that no piece holds both places."""
    start = TimeWindow.of_day(END).start_ns
    times = start + np.arange(300_000, dtype=np.int64) * 1_000_000
    one, other = (frame_of({(name, "{}"): (times[:n], np.zeros(n))}) for name, n in (("a", 2), ("b", 300_000)))
    later = one.with_columns(pl.col("ts_ns") + 3_600_000_000_000)
    file = tmp_path / "samples" / f"date={END.isoformat()}" / "samples.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(encode_samples(pl.concat([one, other, later])))
    with pytest.raises(SchemaError, match=rf"{file}: a\{{\}}: expected all rows of a series together"):
        RecordingSamples(tmp_path).read_series([Selector("a"), Selector("b")], TimeWindow.of_day(END))


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
        (
            lambda frame: frame.with_columns(pl.when(pl.int_range(pl.len()) > 9).then("metric").alias("metric")),
            "metric: expected a value in every row, was null in 10 of them",
        ),
        (
            lambda frame: frame.with_columns(pl.when(pl.int_range(pl.len()) > 9).then("ts_ns").alias("ts_ns")),
            "ts_ns: expected a value in every row, was null in 10 of them",
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
