"""Any picture: drawn, said in words, and as an image in Markdown for Dagster's UI."""

from typing import assert_never

from mm_ops.domain.charts.bars import Bars, bars_svg, describe_bars
from mm_ops.domain.charts.chart import Chart, describe
from mm_ops.domain.charts.curve import Curve, curve_svg, describe_curve
from mm_ops.domain.charts.image import image_markdown
from mm_ops.domain.charts.svg import chart_svg
from mm_ops.domain.charts.waterfall import Waterfall, describe_waterfall, waterfall_svg

Picture = Chart | Bars | Waterfall | Curve


def picture_svg(picture: Picture, width: int = 960, height: int = 260, *, hover: bool = True) -> str:
    """Draw a picture; ``hover`` is for a chart over time, the others have few values."""
    match picture:
        case Chart():
            return chart_svg(picture, width, height, hover=hover)
        case Bars():
            return bars_svg(picture, width, height)
        case Waterfall():
            return waterfall_svg(picture, width, height)
        case Curve():
            return curve_svg(picture, width, height)
        case _:
            assert_never(picture)


def picture_words(picture: Picture) -> str:
    """Say what a picture shows, for whoever cannot see it."""
    match picture:
        case Chart():
            return describe(picture)
        case Bars():
            return describe_bars(picture)
        case Waterfall():
            return describe_waterfall(picture)
        case Curve():
            return describe_curve(picture)
        case _:
            assert_never(picture)


def picture_markdown(picture: Picture, width: int = 760, height: int = 240) -> str:
    """Write a picture as an image in Markdown; 3 to 30 kB."""
    return image_markdown(picture_svg(picture, width, height, hover=False), picture_words(picture), picture.title)
