"""A drawing, taken apart again."""

from xml.etree import ElementTree as ET

from mm_ops.domain.charts.chart import Chart
from mm_ops.domain.charts.picture import Picture, picture_svg
from mm_ops.domain.charts.svg import chart_svg

_SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart, width: int = 960, height: int = 260) -> ET.Element:
    return ET.fromstring(chart_svg(chart, width, height))  # noqa: S314 - our own text


def pictured(picture: Picture, width: int = 960, height: int = 260) -> ET.Element:
    return ET.fromstring(picture_svg(picture, width, height))  # noqa: S314 - our own text


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in root.iter() if name in (one.get("class") or "").split()]


def words(root: ET.Element) -> list[str]:
    """What is written, in order."""
    return [one.text or "" for one in root.iter(f"{_SVG}text")]


def tooltips(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{_SVG}title")]


def box(rectangle: ET.Element) -> tuple[float, float, float, float]:
    """Left, top, width, height."""
    left, top, width, height = (float(rectangle.get(name, "nan")) for name in ("x", "y", "width", "height"))
    return left, top, width, height
