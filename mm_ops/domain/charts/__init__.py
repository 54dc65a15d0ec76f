"""Charts as SVG text, from numbers alone: the same numbers give the same bytes.

Nothing here knows gates, findings or bots; a :class:`~mm_ops.domain.charts.chart.Chart` is drawn by
:func:`~mm_ops.domain.charts.svg.chart_svg`.
"""
