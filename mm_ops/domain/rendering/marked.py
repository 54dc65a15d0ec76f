"""A rendered block inside a page that people write: what stands between two markers is replaced, the rest is theirs."""

from mm_ops.domain.errors import PolicyError


def markers(name: str) -> tuple[str, str]:
    """The lines before and after the block."""
    return f"<!-- rendered: {name} -->", f"<!-- /rendered: {name} -->"


def replace_block(text: str, name: str, block: str, where: str) -> str:
    """Put a block between its markers, whatever stood there.

    Raises:
        PolicyError: the markers are not there once each, in this order, each on a line of its own.
    """
    first, last = markers(name)
    lines = text.split("\n")
    if lines.count(first) != 1 or lines.count(last) != 1 or lines.index(first) > lines.index(last):
        raise PolicyError(f"{where}: expected one line {first} and after it one line {last}")
    start, end = lines.index(first), lines.index(last)
    return "\n".join([*lines[: start + 1], "", block.strip("\n"), "", *lines[end:]])
