"""What the UI draws over the days."""

from mm_ops.domain.edge.plotted import plotted
from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import edge_policy, fill, fills, instruments, minute, quotes
from mm_ops_tests.domain.edge.test_ema_report import measured


def test_every_number_is_one_of_the_report_under_its_own_name():
    report = build_edge_report(
        fills(fill(1, "buy", 99), fill(50, "sell", 102)),
        quotes((0, 99, 101), (30, 100, 102)),
        policy=edge_policy(),
        instruments=instruments(),
        window=minute(),
    )
    found = plotted(report)
    # a fee of 0, captures of 100 and 1e4/101 bps on notionals of 100 and 101
    assert (found["spread_capture_bps"], found["fee_bps"]) == (1e4 * 2 / 201, 0.0)
    assert (found["fills"], found["notional"], found["maker_share"], found["measured_share"]) == (2, 201.0, 1.0, 1.0)
    assert {name for name in found if "_bps_" in name} == {
        f"{kind}_bps_{horizon}" for kind in ("markout", "adverse_selection") for horizon in ("1s", "5s")
    }
    for name in found.keys() & report["total"].keys():
        assert found[name] == report["total"][name]
    assert found["carried_share"] == 0.0, "what was bought is sold again"
    assert (found["net_edge_low_bps"], found["net_edge_high_bps"]) == (None, None), "no policy, so no interval"


def test_the_averages_at_the_end_are_drawn_over_the_days():
    report = measured(fill(895, "buy", 99.95, 2))
    assert plotted(report)["edge_bps_ema1h"] == report["ema"]["total"]["ema1h"]["edge_bps"]
    assert plotted(measured())["edge_bps_ema1h"] is None
