"""The Grafana dashboard, from the same catalogue as the gates and the alerts.

Built with the Grafana Foundation SDK of the extra ``render``, schema 42. Same policies, same bytes. A limit is drawn
as a line with the forbidden side shaded; Grafana draws thresholds once for each axis, by the first curve on it that
has some, so that a curve without a limit of its own is either compared with its neighbour's or stands on the right.

Source: Grafana, packages/grafana-ui/src/components/uPlot, UPlotConfigBuilder (addThresholds) and UPlotThresholds:
below a ``transparent`` step a threshold reads as "less than", its line in the colour of the step before.
"""

import json
import warnings
from collections.abc import Mapping
from datetime import timedelta
from string import ascii_uppercase
from typing import Any

from mm_ops.domain import canonical
from mm_ops.domain.grafana.form import canonical_form
from mm_ops.domain.rendering.panels import BOT, Curve, Panel, first_bad, plan_panels
from mm_ops.domain.sli.catalogue import SliCatalogue
from mm_ops.domain.soak.bound import Bound
from mm_ops.domain.soak.policy import Gate, SoakPolicy
from mm_ops.domain.verdict import Severity
from mm_ops.domain.windows import format_duration

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # on import the SDK advises schema v2, which is Grafana 12 only
    from grafana_foundation_sdk.builders import common as build_common
    from grafana_foundation_sdk.builders import dashboard as build
    from grafana_foundation_sdk.builders import prometheus, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common, dashboard
    from grafana_foundation_sdk.models.prometheus import QueryEditorMode

UID = "mm-operability"
"""The dashboard's identity in Grafana: its address, whatever it is called."""

DATASOURCE = "datasource"
"""The variable that chooses the Prometheus."""

UNITS: Mapping[str, str] = {
    "ms": "ms",
    "s": "s",
    "ratio": "percentunit",
    "bps": "suffix: bps",  # Grafana's own "bps" is bits per second
    "count": "short",
    "bytes": "bytes",
}
COLOURS = {Severity.HARD: "red", Severity.SOFT: "orange"}

COLUMNS = 24
"""Width of Grafana's grid."""

MOST_POINTS = 11_000
"""Points of one series that Prometheus answers at most. Source: prometheus v2.42.0, web/api/v1/api.go, queryRange."""

_ABSOLUTE = dashboard.ThresholdsMode.ABSOLUTE
_DRAWN = common.GraphThresholdsStyleMode.LINE_AND_AREA
_OFF = common.GraphThresholdsStyleMode.OFF
_HEIGHT = 9
_POINTS_PER_WINDOW = 2
"""Points of a query in the shortest window of an alert: Grafana rounds steps, and none may be longer than it."""

_HEADROOM = 0.1
"""Share of the limit that is shown beyond it, so that its line is in view also where all is well."""


def build_dashboard(slis: SliCatalogue, soak: SoakPolicy) -> str:
    """Render the dashboard as canonical JSON.

    Raises:
        PolicyError: the two files do not agree, or an SLI is not of a kind that its panel can show.
    """
    whole = build.Dashboard("Market maker operability").uid(UID).tags(["mm_ops"]).readonly()
    whole = whole.description("Rendered from the policies by mm-ops render: changes made here are lost.")
    whole = whole.time(f"now-{format_duration(soak.window)}", "now").refresh("1m").timezone("utc")
    whole = whole.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    whole = whole.variables([_datasource_variable(), _bot_variable(slis)]).annotation(_firing_alerts(soak))
    for number, panel in enumerate(plan_panels(slis, soak)):
        whole = whole.with_panel(_panel(panel, number, soak))
    return canonical.encode(canonical_form(json.loads(JSONEncoder().encode(whole.build())), UID)).decode()


def threshold_steps(gate: Gate) -> list[dashboard.Threshold]:
    """Colour the forbidden side of the gate's limit, and nothing on the other."""
    colours = ["transparent", COLOURS[gate.severity]]
    low, high = colours if gate.bound is Bound.AT_MOST else reversed(colours)
    return [dashboard.Threshold(value=None, color=low), dashboard.Threshold(value=first_bad(gate), color=high)]


def _source() -> common.DataSourceRef:
    return common.DataSourceRef(type_val="prometheus", uid=f"${{{DATASOURCE}}}")


def _datasource_variable() -> build.DatasourceVariable:
    return build.DatasourceVariable(DATASOURCE).label("Prometheus").type("prometheus")


def _bot_variable(slis: SliCatalogue) -> build.QueryVariable:
    """Offer every bot that has the first series of the catalogue in the time that is shown."""
    query = f"label_values({slis.selectors()[0].promql({})}, {BOT})"
    variable = build.QueryVariable(BOT).label("Bot").datasource(_source()).query(query).definition(query)
    return variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        dashboard.VariableSort.ALPHABETICAL_ASC
    )


def _firing_alerts(soak: SoakPolicy) -> build.AnnotationQuery:
    """Mark when an alert of the chosen bot fired."""
    mark = build.AnnotationQuery().name("Firing alerts").datasource(_source()).enable(True).icon_color("red")
    mark = mark.expr(f'ALERTS{{alertstate="firing",{BOT}="${BOT}"}}').step(_mark_step(soak))
    return mark.title_format("{{alertname}}").text_format("{{severity}}").tag_keys("severity,action")


def _mark_step(soak: SoakPolicy) -> str:
    """Whole minutes, as many as it takes for the soak's window to stay below what Prometheus answers."""
    minutes = -(-soak.window // (MOST_POINTS * timedelta(minutes=1)))
    return format_duration(timedelta(minutes=minutes))


def _panel(panel: Panel, number: int, soak: SoakPolicy) -> timeseries.Panel:
    chart = timeseries.Panel().id(number + 1).title(panel.title).description(panel.description).datasource(_source())
    chart = chart.grid_pos(_position(number)).interval(format_duration(soak.scrape_interval))
    chart = chart.legend(_legend()).tooltip(_tooltip()).line_width(1).fill_opacity(0).unit(UNITS[panel.curves[0].unit])
    chart = _left_axis(chart, _ruling(panel, apart=False))
    points = _points(panel, soak)
    chart = chart if points is None else chart.max_data_points(points)
    for ref_id, curve in zip(ascii_uppercase, panel.curves, strict=False):
        chart = chart.with_target(_target(curve, ref_id))
        changes = _changes(curve, _ruling(panel, apart=True))
        if changes:
            values = [dashboard.DynamicConfigValue(id_val=name, value=value) for name, value in changes.items()]
            chart = chart.override_by_query(ref_id, values)
    return chart


def _target(curve: Curve, ref_id: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().ref_id(ref_id).datasource(_source()).expr(curve.query)
    return query.legend_format(curve.legend).range().editor_mode(QueryEditorMode.CODE)


def _ruling(panel: Panel, *, apart: bool) -> Gate | None:
    """The gate whose limit is drawn on an axis."""
    return next((curve.gate for curve in panel.curves if curve.gate and curve.apart is apart), None)


def _left_axis(chart: timeseries.Panel, gate: Gate | None) -> timeseries.Panel:
    if gate is None:
        return chart
    low, high = _reach(gate)
    style = build_common.GraphThresholdsStyleConfig().mode(_DRAWN)
    chart = chart.axis_soft_min(low).axis_soft_max(high).thresholds_style(style)
    return chart.thresholds(build.ThresholdsConfig().mode(_ABSOLUTE).steps(threshold_steps(gate)))


def _changes(curve: Curve, gate: Gate | None) -> dict[str, Any]:
    """What is different about a curve on the right axis; curves of one axis need the same bounds to share it."""
    found: dict[str, Any] = {}
    if curve.apart:
        found = {"unit": UNITS[curve.unit], "custom.axisPlacement": common.AxisPlacement.RIGHT}
        found["custom.thresholdsStyle"] = common.GraphThresholdsStyleConfig(mode=_DRAWN if gate else _OFF)
        if gate:
            found["custom.axisSoftMin"], found["custom.axisSoftMax"] = _reach(gate)
            found["thresholds"] = dashboard.ThresholdsConfig(mode=_ABSOLUTE, steps=threshold_steps(gate))
    if curve.bars:
        found |= {"custom.drawStyle": common.GraphDrawStyle.BARS, "custom.fillOpacity": 100}
    return found


def _reach(gate: Gate) -> tuple[float, float]:
    """How far an axis reaches at least: from nothing to beyond the limit, or from below the limit to it."""
    limit = first_bad(gate)
    beyond = abs(limit) * _HEADROOM
    return (min(0.0, limit), limit + beyond) if gate.bound is Bound.AT_MOST else (limit - beyond, limit)


def _points(panel: Panel, soak: SoakPolicy) -> int | None:
    """How many points a query may give at most; gauges look at every sample, whatever the step."""
    alerts = [curve.gate.alert for curve in panel.curves if curve.gate and curve.gate.alert]
    windows = [alert.window for alert in alerts if alert.window]
    return min(MOST_POINTS, _POINTS_PER_WINDOW * (soak.window // min(windows))) if windows else None


def _position(number: int) -> dashboard.GridPos:
    """The first panel across the page, the others in two columns."""
    if number == 0:
        return dashboard.GridPos(h=_HEIGHT, w=COLUMNS, x=0, y=0)
    row, column = divmod(number - 1, 2)
    width = COLUMNS // 2
    return dashboard.GridPos(h=_HEIGHT, w=width, x=column * width, y=_HEIGHT * (row + 1))


def _legend() -> build_common.VizLegendOptions:
    """A table below the chart: the last value, and both extremes of what is shown."""
    legend = build_common.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.TABLE)
    return legend.placement(common.LegendPlacement.BOTTOM).calcs(["lastNotNull", "min", "max"])


def _tooltip() -> build_common.VizTooltipOptions:
    return build_common.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE)
