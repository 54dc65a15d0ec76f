import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from upath import UPath

from mm_ops.adapters.market_data import read_quotes
from mm_ops.adapters.market_files import find_files, folder_symbol, load, locate
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, PolicyError, SchemaError, SourceUnavailableError
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.builders import quotes

GOOD = quotes((0, 99, 101), (1, 98, 100))
DAY = TimeWindow.of_day(date(2026, 11, 20))


def parquet(frame: pl.DataFrame = GOOD) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def lines(frame: pl.DataFrame = GOOD) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in frame.iter_rows(named=True)).encode()


@pytest.fixture(params=["memory", "file", "path"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same place three ways; what is in memory is gone afterwards."""
    name = f"memory://{tmp_path.name}"
    yield {"memory": name, "file": f"file://{tmp_path}", "path": str(tmp_path)}[request.param]
    place = UPath(name)
    if place.exists():
        place.fs.rm(place.path, recursive=True)


def put(root: str, name: str, data: bytes) -> str:
    place = UPath(root) / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return f"{root}/{name}"


@pytest.mark.parametrize(
    ("name", "data"),
    [("q.parquet", parquet()), ("q.jsonl", lines()), ("q.jsonl.gz", gzip.compress(lines()))],
    ids=["Parquet", "JSON lines", "gzip"],
)
def test_a_file_reads_the_same_wherever_it_lies(root: str, name: str, data: bytes):
    assert read_quotes(locate(put(root, name, data))).equals(GOOD.select(read_quotes(locate(f"{root}/{name}")).columns))


def test_of_a_folder_only_the_days_of_the_window_are_found(root: str):
    for day in (19, 20, 21):
        put(root, f"date=2026-11-{day}/symbol=X/q.parquet", parquet())
    assert [file.parent.parent.name for file in find_files(locate(root), DAY)] == ["date=2026-11-20"]
    assert len(find_files(locate(root), None)) == 3
    assert read_quotes(locate(root), DAY).equals(read_quotes(locate(f"{root}/date=2026-11-20")))


def test_what_is_not_there_is_named(root: str):
    with pytest.raises(MissingEvidenceError, match="nothing: no Parquet or JSON lines there"):
        find_files(locate(f"{root}/nothing"), None)


def test_a_recorders_entries_are_asked_wherever_they_lie(root: str):
    name = "quotes/date=2026-11-20/symbol=X/q.parquet"
    put(root, name, parquet())
    digests = {name: hashlib.sha256(parquet()).hexdigest()}
    put(root, "days/date=2026-11-20/day.json", json.dumps({"files": digests}).encode())
    assert len(find_files(locate(f"{root}/quotes"), DAY)) == 1
    put(root, name, parquet(GOOD.head(1)))
    with pytest.raises(IntegrityError, match=r"q\.parquet: expected sha256 "):
        find_files(locate(f"{root}/quotes"), DAY)


BROKEN = {
    "a Parquet cut short": ("q.parquet", parquet()[:100], "not readable: "),
    "an empty Parquet": ("q.parquet", b"", "not readable: "),
    "empty JSON lines": ("q.jsonl", b"", "expected at least one row, was an empty file"),
    "a gzip cut short": ("q.jsonl.gz", gzip.compress(lines())[:-6], "not readable: "),
    "a gzip that is none": ("q.jsonl.gz", b"\x1f\x8bnothing", "not readable: "),
    "a page of the web": ("q.jsonl", b"<html>", "not readable: "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_with_its_name(root: str, name: str):
    file, data, message = BROKEN[name]
    with pytest.raises(SchemaError, match=f"{file}: {message}") as refusal:
        load(locate(put(root, file, data)))
    assert "\n" not in str(refusal.value)


class Unreachable:
    """A file at a URL whose server does not answer; what the reader asks of it is all it has."""

    name = "q.parquet"

    def read_bytes(self) -> bytes:
        raise OSError("connection reset")

    def __str__(self) -> str:
        return "far://q.parquet"


def test_a_url_that_does_not_answer_is_a_source_and_not_a_fault_of_the_data():
    with pytest.raises(SourceUnavailableError, match=r"^far://q\.parquet: not readable: connection reset$"):
        load(Unreachable())  # type: ignore[arg-type]  # behaves like a path as far as it is asked


@pytest.mark.parametrize("url", ["nope://x/y"])
def test_a_url_that_nothing_here_can_open_is_named(url: str):
    with pytest.raises(PolicyError, match=f"^{url}: "):
        locate(url)


def test_a_relative_path_begins_at_the_root_and_a_url_stays():
    assert locate("data/fills", Path("/project")) == Path("/project/data/fills")
    assert locate("/data/fills", Path("/project")) == Path("/data/fills")
    assert str(locate("memory://data/fills", Path("/project"))) == "memory://data/fills"


@pytest.mark.parametrize(
    ("path", "symbol"),
    [("a/symbol=X/q.parquet", "X"), ("a/symbol=BTC%2FUSDT/date=1/q.parquet", "BTC/USDT"), ("a/q.parquet", None)],
)
def test_a_folder_may_name_the_symbol(path: str, symbol: str | None):
    assert folder_symbol(Path(path)) == symbol
