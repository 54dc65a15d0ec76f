"""Tables of text, for the reports that people read."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped so that it stays one cell."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines) + "\n"


def number(value: float | None, unit: str = "") -> str:
    """Six significant digits and the unit; ``not measured`` where there is no number."""
    return "not measured" if value is None else f"{value:.6g} {unit}".rstrip()
