"""SVG elements and paths as text, short and always the same."""

from collections.abc import Iterable
from html import escape

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float64]


def element(name: str, /, *children: str, **attributes: str | float) -> str:
    """Write one element; ``stroke_width`` becomes ``stroke-width``, ``class_`` becomes ``class``.

    Args:
        name: of the element.
        children: elements, or text that :func:`text` has escaped.
        attributes: texts are escaped; numbers get two decimals at most.
    """
    pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"' for key, value in attributes.items())
    return f"<{name}{pairs}>{''.join(children)}</{name}>" if children else f"<{name}{pairs}/>"


def text(words: str) -> str:
    """Escape text, so that it may stand between tags."""
    return escape(words, quote=False)


def line_path(x: Pixels, y: Pixels) -> str:
    """Draw through the points, in tenths of a pixel; one point alone becomes a dot (with round caps)."""
    tenths = [np.rint(10 * axis).astype(np.int64) for axis in (x, y)]
    start = f"M{_tenth(tenths[0][0])} {_tenth(tenths[1][0])}"
    steps = " ".join(_steps(np.diff(tenths[0]), np.diff(tenths[1])))
    return f"{start}l{steps}" if steps else f"{start}h0"


def band_path(x: Pixels, upper: Pixels, lower: Pixels) -> str:
    """Draw the closed area between two lines."""
    return line_path(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]])) + "z"


def _steps(dx: NDArray[np.int64], dy: NDArray[np.int64]) -> Iterable[str]:
    return (f"{_tenth(across)} {_tenth(down)}" for across, down in zip(dx.tolist(), dy.tolist(), strict=True))


def _tenth(n: int) -> str:
    return f"{n / 10:.10g}"


def _attribute(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 2) + 0.0:.10g}"
