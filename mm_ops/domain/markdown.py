"""Tables of text, for the reports that people read."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped so that it stays one cell."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines) + "\n"


def number(value: float | None, unit: str = "") -> str:
    """Six significant digits and the unit; ``not measured`` where there is no number."""
    if value is None:
        return "not measured"
    shown, its_unit = _scaled(value, unit)
    return f"{shown:.6g} {its_unit}".rstrip()


def signed(value: float | None, unit: str = "") -> str:
    """Four significant digits with their sign, in the unit that :func:`number` shows; empty where there is none."""
    return "" if value is None else f"{_scaled(value, unit)[0]:+.4g}"


def shown_unit(unit: str) -> str:
    """The unit that :func:`number` and :func:`signed` write in."""
    return _scaled(0.0, unit)[1]


def _scaled(value: float, unit: str) -> tuple[float, str]:
    """Bytes as MiB: nobody reads nine digits."""
    return (value / 2**20, "MiB") if unit == "bytes" else (value, unit)
