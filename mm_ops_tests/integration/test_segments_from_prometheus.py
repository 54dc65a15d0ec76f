"""A day that was collected from a real Prometheus, an hour at a time, is the day that was backfilled into it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.environment import Environment
from mm_ops.adapters.evidence import BotEvidence
from mm_ops.adapters.prometheus import PrometheusSamples
from mm_ops.adapters.recording import RecordingSamples
from mm_ops.adapters.segments import collect_day
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.sli.series import Selector, split_series
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.prometheus_server import backfilled
from mm_ops_tests.soak_samples import END, healthy

pytestmark = pytest.mark.integration

DAY = TimeWindow.of_day(END)
AROUND = TimeWindow(DAY.start - timedelta(hours=1), DAY.end + timedelta(hours=1))
SELECTORS = [Selector("mm_ticks_total"), Selector("mm_guard_trip_total"), Selector("mm_edge_bps_ema24h")]
SAMPLES = healthy(AROUND).filter(pl.col("metric").is_in([selector.metric for selector in SELECTORS]))
HOLE = pl.col("ts_ns").is_between(DAY.start_ns + 3 * 3600 * 10**9, DAY.start_ns + 5 * 3600 * 10**9)
SCRAPED = SAMPLES.filter(~HOLE)
"""With a hole of two hours, in which the second segment is empty but for the sample at its very start."""


@pytest.fixture(scope="module", name="url")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with backfilled(SCRAPED, tmp_path_factory.mktemp("server")) as url:
        yield url


def prometheus(url: str) -> PrometheusSamples:
    return PrometheusSamples(url, {"bot": "paper"}, timedelta(seconds=60))


def test_every_sample_of_the_day_and_none_of_its_neighbours_is_collected_once(url: str, tmp_path: Path) -> None:
    evidence = BotEvidence(Artifacts(str(tmp_path)), "paper")
    done = collect_day(prometheus(url), SELECTORS, END, evidence, origin=url)
    inside = SCRAPED.filter(pl.col("ts_ns").is_between(DAY.start_ns, DAY.end_ns, closed="left"))
    assert (done.samples, done.read) == (inside.height, 24)
    assert RecordingSamples(evidence.sample_root()).read(SELECTORS, AROUND).equals(inside)
    with pytest.raises(SourceUnavailableError):  # nobody answers there: a whole day needs nobody
        prometheus("http://127.0.0.1:9").read(SELECTORS, DAY)
    again = collect_day(prometheus("http://127.0.0.1:9"), SELECTORS, END, evidence, origin=url)
    assert (again.entry, again.read) == (done.entry, 0)


def test_the_series_of_a_server_are_those_of_the_frame_that_it_holds(url: str) -> None:
    found = prometheus(url).read_series(SELECTORS, AROUND)
    for one, expected in zip(found, split_series(SCRAPED), strict=True):
        assert (one.metric, one.labels) == (expected.metric, expected.labels)
        assert one.ts_ns.tolist() == expected.ts_ns.tolist()
        assert one.values.tolist() == expected.values.tolist()
    assert all(one.ts_ns is found[0].ts_ns for one in found)


def test_the_clock_of_a_server_beside_us_is_ours_and_a_day_that_has_not_ended_is_not_read(url: str) -> None:
    now = Environment.read({}).now
    clocked = PrometheusSamples(url, {"bot": "paper"}, timedelta(seconds=60), now=now)
    assert clocked.read(SELECTORS, DAY).height == prometheus(url).read(SELECTORS, DAY).height > 0
    for source in (clocked, prometheus(url)):
        with pytest.raises(SourceUnavailableError, match="has not ended by the server's clock"):
            source.read(SELECTORS, TimeWindow(DAY.start, now() + timedelta(minutes=1)))
    late = PrometheusSamples(url, {}, timedelta(seconds=60), now=lambda: now() - timedelta(hours=1))
    with pytest.raises(SourceUnavailableError, match=r"its clock is 36\d\d s ahead of ours"):
        late.read(SELECTORS, DAY)


def test_a_question_that_no_series_answers_is_an_empty_list_and_no_refusal(url: str) -> None:
    assert prometheus(url).read_series([Selector("mm_nothing")], DAY) == []
