"""What the UI draws over the days."""

from mm_ops.domain.edge.plotted import plotted
from mm_ops.domain.edge.report import build_edge_report
from mm_ops_tests.builders import edge_policy, fill, fills, instruments, minute, quotes


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
    assert (found["net_edge_low_bps"], found["net_edge_high_bps"]) == (None, None), "no policy, so no interval"
