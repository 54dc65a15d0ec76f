"""Every query of the committed dashboard, asked of a real Prometheus as Grafana asks it."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import requests

from mm_ops.adapters.recording import RecordingSamples
from mm_ops.domain.rendering.dashboard_check import find_dashboard_faults
from mm_ops.domain.soak.metrics import measurements_from
from mm_ops.paperbot.recording import record
from mm_ops_tests.prometheus_server import backfilled
from mm_ops_tests.requirements import PROJECT
from mm_ops_tests.soak_samples import END, WINDOW, catalogue, measured, soak_policy

pytestmark = pytest.mark.integration

COMMITTED = PROJECT / "deploy" / "grafana" / "dashboards" / "mm_operability.json"
DASHBOARD = json.loads(COMMITTED.read_text(encoding="utf-8"))
STEP_S = 150  # what Grafana makes of 72 h in 1,728 points; its rate interval is one scrape more


class Query(NamedTuple):
    panel: str
    ref_id: str
    expr: str
    steps: list[dict[str, Any]]


def queries() -> list[Query]:
    """Each query with the thresholds of its axis."""
    found = []
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            config = {"thresholds": panel["fieldConfig"]["defaults"].get("thresholds")}
            for override in panel["fieldConfig"]["overrides"]:
                if override["matcher"]["options"] == target["refId"]:
                    properties = {one["id"]: one["value"] for one in override["properties"]}
                    moved = properties.get("custom.axisPlacement") == "right"
                    config = {"thresholds": properties.get("thresholds")} if moved else config
            steps = config["thresholds"]["steps"] if config["thresholds"] else []
            found.append(Query(panel["title"], target["refId"], target["expr"], steps))
    return found


QUERIES = queries()


def say_nothing(_: str) -> None: ...


@pytest.fixture(scope="module", name="recordings")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("recordings")
    for profile in ("healthy", "degraded"):
        record(root / profile, profile=profile, end=END, days=3, seed=7, progress=say_nothing)
    return {profile: root / profile for profile in ("healthy", "degraded")}


@pytest.fixture(scope="module", name="url")
def served(recordings: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both bots in one server, so that a query that is not narrowed to one shows."""
    frames = []
    for bot, root in recordings.items():
        named = pl.col("labels").str.replace('"bot":"paper"', f'"bot":"{bot}"', literal=True)
        frames += [pl.read_parquet(file).with_columns(labels=named) for file in root.glob("samples/*/samples.parquet")]
    with backfilled(pl.concat(frames).sort("metric", "labels", "ts_ns"), tmp_path_factory.mktemp("server")) as url:
        yield url


def ask(url: str, expr: str, bot: str) -> dict[str, list[float]]:
    """Put in the variables and ask for the whole window; values by the series' labels, without NaN."""
    asked = {
        "query": expr.replace("$bot", bot).replace("$__rate_interval", f"{STEP_S + 15}s"),
        "start": f"{WINDOW.start_ns / 1e9:.3f}",
        "end": f"{WINDOW.end_ns / 1e9 - 0.001:.3f}",
        "step": f"{STEP_S}s",
    }
    answer = requests.post(f"{url}/api/v1/query_range", data=asked, timeout=120).json()
    assert answer["status"] == "success", answer
    return {
        json.dumps(one["metric"], sort_keys=True): [
            value for value in (float(text) for _, text in one["values"]) if not math.isnan(value)
        ]
        for one in answer["data"]["result"]
    }


def beyond(steps: list[dict[str, Any]], value: float) -> bool:
    """Whether Grafana colours the place where the value is drawn."""
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return bool(reached) and reached[-1] != "transparent"


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.panel}, {query.ref_id}")
@pytest.mark.parametrize("bot", ["healthy", "degraded"])
def test_every_query_draws_the_chosen_bot_through_the_whole_window(url: str, bot: str, query: Query) -> None:
    answer = ask(url, query.expr, bot)
    assert answer
    for labels, values in answer.items():
        assert json.loads(labels)["bot"] == bot
        assert len(values) > 0.95 * WINDOW.duration.total_seconds() / STEP_S, labels
    assert ask(url, query.expr, "nobody") == {}


@pytest.mark.parametrize(
    ("panel", "ref_id", "coloured"),
    [
        ("Net edge", "A", {"degraded"}),
        ("Tick latency, p95", "A", {"degraded"}),
        ("Tick latency, p95", "B", set()),
        ("Deadline misses per tick", "A", {"degraded"}),
        ("Maker and taker share of notional", "A", {"degraded"}),
        ("Market data cache hits", "A", {"degraded"}),
        ("Websocket lag", "A", {"degraded"}),
        ("Circuit breaker and guards", "A", {"degraded"}),
        ("Circuit breaker and guards", "C", {"degraded"}),
    ],
)
def test_a_degraded_bot_is_drawn_beyond_its_limits_and_a_healthy_one_is_not(
    url: str, panel: str, ref_id: str, coloured: set[str]
) -> None:
    (query,) = (one for one in QUERIES if (one.panel, one.ref_id) == (panel, ref_id))
    found = set()
    for bot in ("healthy", "degraded"):
        values = [value for series in ask(url, query.expr, bot).values() for value in series]
        found |= {bot for value in values if beyond(query.steps, value)}
    assert found == coloured


@pytest.mark.parametrize("bot", ["healthy", "degraded"])
def test_the_open_time_at_the_end_is_the_one_that_the_gate_judges(
    url: str, recordings: dict[str, Path], bot: str
) -> None:
    """Looks every 15 s count an outage to one look exactly; the value itself follows every sample."""
    frame = RecordingSamples(recordings[bot]).read(catalogue().selectors(), WINDOW)
    open_s = measurements_from(measured(frame))["circuit_open_seconds"].value
    (query,) = (one for one in QUERIES if (one.panel, one.ref_id) == ("Circuit breaker and guards", "A"))
    (values,) = ask(url, query.expr, bot).values()
    assert open_s is not None
    assert open_s > 0
    assert values[-1] == pytest.approx(open_s, abs=15)


def test_the_dashboard_has_no_fault_against_what_the_bot_exports(recordings: dict[str, Path]) -> None:
    files = recordings["healthy"].glob("samples/*/samples.parquet")
    exported = {name for file in files for name in pl.read_parquet(file, columns=["metric"])["metric"].unique()}
    text = COMMITTED.read_text(encoding="utf-8")
    assert find_dashboard_faults(text, exported, (catalogue(), soak_policy())) == []
    assert find_dashboard_faults(text, exported - {"mm_ticks_total"})


def test_the_choice_of_bots_is_those_that_the_server_has(url: str) -> None:
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["name"] == "bot")
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
    assert found is not None
    answer = requests.get(f"{url}/api/v1/label/{found[2]}/values", params={"match[]": found[1]}, timeout=60).json()
    assert answer["data"] == ["degraded", "healthy"]
