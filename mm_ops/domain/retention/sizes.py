"""Sizes as people write them: ``2G``, ``500M``; powers of 1024, as ``du`` and ``ls -h`` count."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_FORM = re.compile(r"([0-9]{1,15})([KMGT])")


def parse_size(text: object) -> int:
    """Read a size in bytes; a bare number is refused, since nobody knows its unit.

    Raises:
        ValueError: expected a number with K, M, G or T.
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"expected a size such as 500M or 2G, was {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def format_size(size: int) -> str:
    """A size to three digits: ``1.95 GiB``."""
    for letter, unit in reversed(_UNITS.items()):
        if letter and abs(size) >= unit:
            return f"{size / unit:.3g} {letter}iB"
    return f"{size} B"


Size = Annotated[int, BeforeValidator(parse_size)]
"""A size in a policy: written as text, kept as bytes."""
