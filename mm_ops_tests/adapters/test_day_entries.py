import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mm_ops.adapters.day_entries import DayEntries
from mm_ops.adapters.market_data import read_fills, read_quotes
from mm_ops.adapters.result_files import read_drill, read_junit
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, MmOpsError, SchemaError
from mm_ops.domain.windows import TimeWindow

DAY = "date=2026-11-20"
NAMES = (f"fills/{DAY}/symbol=X/fills.parquet", f"fills/{DAY}/symbol=Y/fills.parquet", f"results/{DAY}/junit.xml")


def keep(root: Path, names: tuple[str, ...] = NAMES, **different: object) -> Path:
    """Write files and the entry that lists them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    entry(root).parent.mkdir(parents=True, exist_ok=True)
    entry(root).write_text(json.dumps({"files": digests, **different}))
    return root


def entry(root: Path) -> Path:
    return root / "days" / DAY / "day.json"


def test_what_was_recorded_is_believed(tmp_path: Path):
    entries = DayEntries(keep(tmp_path))
    assert entries.are_kept
    assert entries.has(DAY)
    for name in NAMES:
        entries.verify(tmp_path / name)
    entries.require(tmp_path / "fills")
    entries.require(tmp_path / f"fills/{DAY}")


def test_where_no_entries_are_kept_nothing_is_checked(tmp_path: Path):
    shutil.rmtree(keep(tmp_path) / "days")
    (tmp_path / NAMES[0]).write_text("altered")
    entries = DayEntries(tmp_path)
    assert not entries.are_kept
    assert entries.has(DAY)
    entries.verify(tmp_path / NAMES[0])
    entries.verify(tmp_path / "anywhere")
    entries.require(tmp_path / "fills")


def test_an_altered_file_is_told_with_both_digests(tmp_path: Path):
    (keep(tmp_path) / NAMES[0]).write_text("altered")
    expected, was = (hashlib.sha256(text.encode()).hexdigest() for text in (NAMES[0], "altered"))
    with pytest.raises(IntegrityError, match=f"symbol=X/fills.parquet: expected sha256 {expected}, was {was}; record"):
        DayEntries(tmp_path).verify(tmp_path / NAMES[0])


def test_a_file_that_was_not_recorded_is_refused(tmp_path: Path):
    extra = keep(tmp_path) / f"fills/{DAY}/symbol=Z/fills.parquet"
    extra.parent.mkdir()
    extra.write_text("made up")
    with pytest.raises(SchemaError, match=r"day\.json: expected the digest of fills\.parquet .* was none: .*symbol=Z"):
        DayEntries(tmp_path).verify(extra)


def test_a_file_of_no_day_is_refused(tmp_path: Path):
    with pytest.raises(SchemaError, match=r"more\.parquet: expected a file of a day"):
        DayEntries(keep(tmp_path)).verify(tmp_path / "fills/more.parquet")


@pytest.mark.parametrize("folder", ["fills", f"fills/{DAY}", f"fills/{DAY}/symbol=Y"])
def test_a_recorded_file_that_is_gone_is_told(tmp_path: Path, folder: str):
    (keep(tmp_path) / NAMES[1]).unlink()
    entries = DayEntries(tmp_path)
    with pytest.raises(MissingEvidenceError, match=r"symbol=Y/fills\.parquet: no such file, though the day's entry"):
        entries.require(tmp_path / folder)
    with pytest.raises(MissingEvidenceError, match=r"symbol=Y/fills\.parquet: no such file, though the day's entry"):
        entries.verify(tmp_path / NAMES[1])
    entries.require(tmp_path / f"fills/{DAY}/symbol=X")
    entries.require(tmp_path / "results")


def test_a_day_that_was_cut_short_does_not_exist(tmp_path: Path):
    entry(keep(tmp_path)).unlink()
    entries = DayEntries(tmp_path)
    assert not entries.has(DAY)
    for ask, path in ((entries.verify, NAMES[0]), (entries.require, f"fills/{DAY}")):
        with pytest.raises(MissingEvidenceError, match=r"day\.json: no such file: the day was not recorded to its end"):
            ask(tmp_path / path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path):
    (keep(tmp_path) / NAMES[0]).unlink()
    (tmp_path / NAMES[0]).mkdir()
    with pytest.raises(SchemaError, match=r"fills\.parquet: not readable: Is a directory"):
        DayEntries(tmp_path).verify(tmp_path / NAMES[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "files: expected names with their sha256, was None"),
        ("{}", "files: expected names with their sha256, was None"),
        ('{"files": []}', r"files: expected names with their sha256, was \[\]"),
        ('{"files": {}, "files": {}}', "the key 'files' stands twice"),
        ('{"files": {}}', "expected the digest of fills.parquet under files, was none"),
    ],
)
def test_an_entry_that_is_none_is_refused(tmp_path: Path, text: str, message: str):
    entry(keep(tmp_path)).write_text(text)
    with pytest.raises(SchemaError, match=rf"day\.json.*{message}"):
        DayEntries(tmp_path).verify(tmp_path / NAMES[0])


@pytest.mark.parametrize("inside", ["fills", f"fills/{DAY}", f"fills/{DAY}/symbol=X", NAMES[0]])
def test_the_root_is_found_from_any_folder_or_file_of_it(tmp_path: Path, inside: str):
    root = keep(tmp_path)
    (root / NAMES[0]).write_text("altered")
    with pytest.raises(IntegrityError):
        DayEntries.beside(root / inside).verify(root / NAMES[0])


def test_the_root_is_found_from_below_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (keep(tmp_path) / NAMES[0]).write_text("altered")
    monkeypatch.chdir(tmp_path / "fills")
    file = Path(NAMES[0]).relative_to("fills")
    with pytest.raises(IntegrityError, match=f"^{file}: expected"):
        DayEntries.beside(file).verify(file)


LAST = date(2026, 11, 20)
READERS: dict[str, Callable[[Path], Any]] = {
    "fills": lambda root: read_fills(root / "fills", TimeWindow.of_day(LAST)),
    "fills of all days": lambda root: read_fills(root / "fills"),
    "one file of fills": lambda root: read_fills(next(root.glob(f"fills/{DAY}/*/fills.parquet"))),
    "quotes": lambda root: read_quotes(root / "quotes", TimeWindow.of_day(LAST)),
    "drill": lambda root: read_drill(root / f"results/{DAY}/chaos_drill.json", LAST),
    "junit": lambda root: read_junit(root / f"results/{DAY}/junit.xml"),
}
PATTERNS = {
    "fills": f"fills/{DAY}/*/fills.parquet",
    "fills of all days": f"fills/{DAY}/*/fills.parquet",
    "one file of fills": f"fills/{DAY}/*/fills.parquet",
    "quotes": f"quotes/{DAY}/*/quotes.parquet",
    "drill": f"results/{DAY}/chaos_drill.json",
    "junit": f"results/{DAY}/junit.xml",
}


@pytest.fixture
def recording(healthy: Path, tmp_path: Path) -> Path:
    """A copy of two recorded days without their samples, to be tampered with."""
    for day in ("date=2026-11-19", DAY):
        for kind in ("days", "fills", "quotes", "results"):
            shutil.copytree(healthy / kind / day, tmp_path / kind / day)
    return tmp_path


@pytest.mark.parametrize("name", READERS)
def test_every_reader_takes_what_was_recorded_and_refuses_one_flipped_bit(recording: Path, name: str):
    READERS[name](recording)
    file = next(recording.glob(PATTERNS[name]))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(IntegrityError, match=rf"{file.name}: expected sha256 \w{{64}}, was \w{{64}}; record the day"):
        READERS[name](recording)


@pytest.mark.parametrize("name", [name for name in READERS if name != "one file of fills"])
def test_no_reader_makes_a_smaller_day_of_a_lost_file(recording: Path, name: str):
    file = next(recording.glob(PATTERNS[name]))
    file.unlink()
    with pytest.raises(MissingEvidenceError, match=f"{file.name}: no such file, though the day's entry lists it"):
        READERS[name](recording)


@pytest.mark.parametrize("name", READERS)
def test_no_reader_takes_a_day_that_was_not_recorded_to_its_end(recording: Path, name: str):
    entry(recording).unlink()
    with pytest.raises(MissingEvidenceError, match="the day was not recorded to its end"):
        READERS[name](recording)


@pytest.mark.parametrize("name", ["fills", "fills of all days"])
def test_no_reader_takes_a_file_that_was_not_recorded(recording: Path, name: str):
    found = next(recording.glob(PATTERNS[name]))
    shutil.copytree(found.parent, found.parents[1] / "symbol=ZZZ-USDT")
    with pytest.raises(MmOpsError, match=r"expected the digest of fills\.parquet under files, was none"):
        READERS[name](recording)
