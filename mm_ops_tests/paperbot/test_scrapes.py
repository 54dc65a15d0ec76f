import numpy as np
import polars as pl

from mm_ops.paperbot.profiles import SCRAPES_PER_DAY
from mm_ops.paperbot.scrapes import Counters, Scrapes

STAGE = {"stage": "tick_total"}


def test_a_draw_on_a_bound_is_in_its_bucket_and_every_bucket_holds_the_ones_below():
    scrapes = Scrapes(0, "paper")
    drawn = np.tile([5.0, 5.1, 1000.0, 1000.1], (SCRAPES_PER_DAY, 1))
    Counters(scrapes, {}).add_histogram("t", drawn, STAGE)
    first = scrapes.frame().filter(ts_ns=0).with_columns(le=pl.col("labels").str.json_path_match("$.le"))
    buckets = dict(first.filter(metric="t_bucket").select("le", "value").rows())
    assert buckets == {
        "5.0": 1,
        "10.0": 2,
        "25.0": 2,
        "50.0": 2,
        "75.0": 2,
        "100.0": 2,
        "150.0": 2,
        "200.0": 2,
        "300.0": 2,
        "500.0": 2,
        "1000.0": 3,
        "+Inf": 4,
    }
    assert first.filter(metric="t_count")["value"].to_list() == [4]
    assert first.filter(metric="t_sum")["value"].to_list() == [5.0 + 5.1 + 1000.0 + 1000.1]


def test_a_counter_goes_on_from_yesterday_per_series():
    yesterday = Counters(Scrapes(0, "paper"), {})
    ones = np.ones(SCRAPES_PER_DAY)
    for guard in ("drift", "loss_limit"):
        yesterday.add("trips", ones if guard == "drift" else 0 * ones, {"guard": guard})
    scrapes = Scrapes(0, "paper")
    today = Counters(scrapes, yesterday.ended)
    for guard in ("drift", "loss_limit"):
        today.add("trips", 0 * ones, {"guard": guard})
    values = dict(scrapes.frame().filter(ts_ns=0).select("labels", "value").rows())
    assert values == {'{"bot":"paper","guard":"drift"}': SCRAPES_PER_DAY, '{"bot":"paper","guard":"loss_limit"}': 0}


def test_a_series_born_later_has_no_sample_before():
    scrapes = Scrapes(0, "paper")
    scrapes.add("b", np.ones(SCRAPES_PER_DAY))
    scrapes.add("a", np.ones(SCRAPES_PER_DAY - 2), first=2)
    frame = scrapes.frame()
    assert frame.filter(metric="a")["ts_ns"].min() == 30 * 10**9
    assert frame["metric"].unique(maintain_order=True).to_list() == ["a", "b"], "sorted, however they were added"
    assert frame.schema == {"ts_ns": pl.Int64, "metric": pl.String, "labels": pl.String, "value": pl.Float64}
