import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.prometheus import PrometheusSamples
from mm_ops.adapters.recording import RecordingSamples, encode_samples
from mm_ops.adapters.segments import HOUR, Collected, collect_day
from mm_ops.domain.errors import MissingEvidenceError, PolicyError, SourceUnavailableError
from mm_ops.domain.sli.series import SAMPLE_SCHEMA, SampleSource, Selector
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.counted_source import DAY, EIGHT_HOURS, ORIGIN, SELECTORS, CountedSource, evidence_in
from mm_ops_tests.dated_server import dated
from mm_ops_tests.requirements import PROJECT

WINDOW = TimeWindow.of_day(DAY)
FOLDER = f"date={DAY.isoformat()}"
ALL = ["00", "08", "16"]


def collect(
    source: SampleSource,
    root: Path,
    selectors: tuple[Selector, ...] = SELECTORS,
    origin: str = ORIGIN,
    segment: timedelta = EIGHT_HOURS,
) -> Collected:
    return collect_day(source, selectors, DAY, evidence_in(root), origin=origin, segment=segment)


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder but the lock, which is empty, and an entry of the day that has no name yet."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock" and not (path.parts[-3] == "days" and path.name.startswith(".new."))
    }


def read_back(root: Path, selectors: tuple[Selector, ...] = SELECTORS) -> pl.DataFrame:
    return RecordingSamples(root / "bot").read(selectors, WINDOW)


@pytest.fixture
def source(tmp_path: Path) -> CountedSource:
    return CountedSource(tmp_path / "log")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


def test_a_day_is_collected_in_parts_that_its_reader_takes_as_one(source: CountedSource, root: Path):
    told: list[str] = []
    done = collect_day(source, SELECTORS, DAY, evidence_in(root), origin=ORIGIN, tell=told.append)
    assert source.asked() == [f"{hour:02d}" for hour in range(24)]
    assert (done.samples, done.segments, done.read) == (2 * 5760, 24, 24)
    assert done.entry.name == f"bot/days/{FOLDER}/day.json"
    assert read_back(root).equals(source.read(SELECTORS, WINDOW))
    assert told[1] == "samples: 2026-11-20T01:00:00Z/2026-11-20T02:00:00Z collected, 480 samples"


def test_the_day_s_entry_lists_every_part_with_its_digest_and_what_was_asked_for(source: CountedSource, root: Path):
    collect(source, root)
    entry = json.loads((root / f"bot/days/{FOLDER}/day.json").read_bytes())
    parts = {name: root / "bot" / f"samples/{FOLDER}/part-{name}.parquet" for name in ALL}
    assert entry == {
        "day": DAY.isoformat(),
        "files": {
            f"samples/{FOLDER}/part-{name}.parquet": hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in parts.items()
        },
        "selectors": ["a", 'b{x="1"}'],
    }


def test_a_day_that_is_whole_is_not_read_again(source: CountedSource, root: Path):
    first = collect(source, root)
    before = tree(root)
    again = collect(source, root)
    assert source.asked() == ALL
    assert (again.entry, again.samples, again.read) == (first.entry, first.samples, 0)
    assert (root / f"bot/segments/{FOLDER}/.lock").is_file()  # whoever waits for it has it open
    assert tree(root) == before


KILLS = [("rename", n) for n in range(1, 8)] + [("reading", n) for n in range(1, 4)]


@pytest.mark.parametrize(("moment", "number"), KILLS)
def test_whoever_is_killed_goes_on_where_he_was(source: CountedSource, root: Path, moment: str, number: int):
    """Killed before each of the 7 renames (3 parts, their entries, the day's entry), and in each of the 3 readings.

    Only the segment in flight is read twice: all others are read once by both processes together.
    """
    command = [sys.executable, "-m", "mm_ops_tests.counted_source", str(root), str(source.log), moment, str(number)]
    killed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with pytest.raises(MissingEvidenceError, match="no samples of any day"):
        read_back(root)
    before = source.asked()
    done = collect(source, root)
    times = Counter(source.asked())
    assert sorted(times) == ALL
    assert [hour for hour, count in times.items() if count > 1] in ([], [before[-1]])
    assert sum(times.values()) == len(before) + done.read <= len(ALL) + 1
    undisturbed = root.parent / "undisturbed"
    collect(CountedSource(root.parent / "other log"), undisturbed)
    assert tree(root) == tree(undisturbed)


def test_a_segment_in_which_nothing_was_scraped_is_stored_and_not_asked_for_again(tmp_path: Path, root: Path):
    source = CountedSource(tmp_path / "log", silent=("08",))
    assert collect(source, root).samples == 2 * 3840
    assert collect(source, root).read == 0
    assert source.asked() == ALL
    assert pl.read_parquet(root / f"bot/samples/{FOLDER}/part-08.parquet").equals(SAMPLE_SCHEMA.to_frame())
    assert read_back(root).equals(
        source.read(SELECTORS, WINDOW).filter(
            ~pl.col("ts_ns").is_between(
                WINDOW.start_ns + 8 * 3600 * 10**9, WINDOW.start_ns + 16 * 3600 * 10**9, closed="left"
            )
        )
    )


def test_a_day_in_which_nothing_was_scraped_is_whole_and_has_no_series(tmp_path: Path, root: Path):
    assert collect(CountedSource(tmp_path / "log", silent=tuple(ALL)), root).samples == 0
    assert RecordingSamples(root / "bot").read_series(SELECTORS, WINDOW) == []


def test_a_source_that_fails_ends_the_collection_and_what_is_there_is_kept(tmp_path: Path, root: Path):
    source = CountedSource(tmp_path / "log", down=["16"])
    with pytest.raises(
        SourceUnavailableError,
        match=r"^a test: status 503; 2026-11-20T16:00:00Z/2026-11-21T00:00:00Z is not collected, what is before it",
    ):
        collect(source, root)
    assert not (root / f"bot/days/{FOLDER}/day.json").exists()
    source.down.clear()
    assert collect(source, root).read == 1
    assert source.asked() == [*ALL, "16"]


def test_a_segment_that_has_not_ended_by_the_server_s_clock_is_not_stored_and_is_read_later(root: Path):
    """The day is read at 08:00:30 of it, when the first eight hours may still lack their last samples; then after."""
    answer = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}})
    for now, kept in ((WINDOW.start + EIGHT_HOURS + timedelta(seconds=30), []), (WINDOW.end, ["00", "08"])):
        with dated(answer, now) as (url, _):
            source = PrometheusSamples(url, {}, timedelta(seconds=10))
            with pytest.raises(
                SourceUnavailableError, match=r"has not ended by the server's clock .* is not collected"
            ):
                collect(source, root)
        stored = sorted((root / f"bot/segments/{FOLDER}").glob("*.json"))
        assert [path.stem.removeprefix("part-") for path in stored] == kept
        assert not (root / f"bot/days/{FOLDER}/day.json").exists()
    with dated(answer, WINDOW.end + timedelta(minutes=1)) as (url, _):
        assert collect(PrometheusSamples(url, {}, timedelta(seconds=10)), root).read == 1


def drop_bytes(path: Path, count: int = 1) -> None:
    path.write_bytes(path.read_bytes()[:-count])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "its part is gone": lambda bot: (bot / f"samples/{FOLDER}/part-08.parquet").unlink(),
    "its part was cut": lambda bot: drop_bytes(bot / f"samples/{FOLDER}/part-08.parquet"),
    "its entry is gone": lambda bot: (bot / f"segments/{FOLDER}/part-08.json").unlink(),
    "its entry was cut": lambda bot: drop_bytes(bot / f"segments/{FOLDER}/part-08.json"),
    "its entry was cut in the midst": lambda bot: drop_bytes(bot / f"segments/{FOLDER}/part-08.json", 50),
    "its entry is a list": lambda bot: (bot / f"segments/{FOLDER}/part-08.json").write_text("[]"),
    "its entry counts nothing": lambda bot: (bot / f"segments/{FOLDER}/part-08.json").write_text("{}"),
    "its entry is of another segment": lambda bot: shutil.copy(
        bot / f"segments/{FOLDER}/part-00.json", bot / f"segments/{FOLDER}/part-08.json"
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_segment_that_is_not_whole_is_collected_again_and_no_other(
    source: CountedSource, root: Path, damage: Callable[[Path], object]
):
    collect(source, root)
    before = tree(root)
    damage(root / "bot")
    assert collect(source, root).read == 1
    assert source.asked() == [*ALL, "08"]
    assert tree(root) == before


def test_segments_that_were_asked_for_other_series_are_collected_again(source: CountedSource, root: Path):
    collect(source, root, SELECTORS[:1])
    assert collect(source, root).read == 3
    assert read_back(root).equals(source.read(SELECTORS, WINDOW))
    assert collect(source, root, SELECTORS[::-1]).read == 0


def test_segments_of_another_source_are_collected_again(source: CountedSource, root: Path):
    collect(source, root, origin="another")
    assert collect(source, root).read == 3


def test_while_a_whole_day_is_made_again_it_does_not_exist(tmp_path: Path, source: CountedSource, root: Path):
    """Its entry lists the part that is replaced: nobody may read the day as altered."""
    collect(source, root, SELECTORS[:1])
    with pytest.raises(SourceUnavailableError):
        collect(CountedSource(tmp_path / "log", down=["08"]), root)
    with pytest.raises(MissingEvidenceError, match="no samples of any day"):
        read_back(root)


def test_a_day_in_one_file_is_there_until_its_parts_are(tmp_path: Path, source: CountedSource, root: Path):
    frame = source.read(SELECTORS, WINDOW)
    evidence_in(root).put_samples(DAY, encode_samples(frame), ["a"])
    with pytest.raises(SourceUnavailableError):
        collect(CountedSource(tmp_path / "log", down=["08"]), root)
    assert read_back(root).equals(frame)
    collect(source, root)
    assert read_back(root).equals(frame)
    assert not (root / f"bot/samples/{FOLDER}/samples.parquet").exists()


def test_what_a_killed_collector_began_is_swept_away(source: CountedSource, root: Path):
    collect(source, root, segment=HOUR)
    for folder in ("samples", "segments"):
        (root / f"bot/{folder}/{FOLDER}/.new.x").write_bytes(b"half")
    collect(source, root)
    undisturbed = root.parent / "undisturbed"
    collect(CountedSource(root.parent / "other log"), undisturbed)
    assert tree(root) == tree(undisturbed)


@pytest.mark.parametrize("segment", [timedelta(minutes=90), timedelta(hours=5), timedelta(0), timedelta(hours=48)])
def test_segments_are_whole_hours_that_divide_a_day(source: CountedSource, root: Path, segment: timedelta):
    with pytest.raises(PolicyError, match="segment: expected whole hours that divide a day, was "):
        collect(source, root, segment=segment)
    assert source.asked() == []


def test_a_root_that_is_no_local_folder_is_refused(source: CountedSource):
    with pytest.raises(PolicyError, match="MM_OPS_ARTIFACTS: samples are collected into a local folder, was memory://"):
        collect_day(source, SELECTORS, DAY, evidence_in(Path("memory://x")), origin=ORIGIN)


@dataclass
class HeldSource(CountedSource):
    """Answers only when it is let go; ``asking`` is set once it is asked."""

    asking: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        self.asking.set()
        assert self.free.wait(60)
        return super().read(selectors, window)


def test_a_second_collector_of_a_day_waits_for_the_first_and_then_reads_nothing(tmp_path: Path, root: Path):
    first, second = HeldSource(tmp_path / "log"), HeldSource(tmp_path / "other log")
    second.free.set()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(collect, first, root)
        assert first.asking.wait(60)
        other = pool.submit(collect, second, root)
        assert not second.asking.wait(1)
        first.free.set()
        assert (one.result().read, other.result().read) == (3, 0)
    assert second.asked() == []
    assert read_back(root).equals(first.read(SELECTORS, WINDOW))
