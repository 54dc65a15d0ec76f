"""Reads one scrape in Prometheus' text format, strictly: a line that is none is refused with its number.

Source: prometheus.io/docs/instrumenting/exposition_formats (text-based format).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mm_ops.domain.errors import SchemaError

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\["\\n])*)"\s*(,|$)')
_SAMPLE = re.compile(rf'({_NAME})\s*(?:\{{((?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}})?\s*(\S+)(?:\s+-?\d+)?\s*')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: a series and its value."""

    metric: str
    labels: dict[str, str]
    value: float


def parse_exposition(text: str, where: str) -> list[Sample]:
    """Read every sample; ``where`` names the text in messages.

    Raises:
        SchemaError: a line that is no sample, or a series that is there twice.
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Sample] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        sample = _parse(line.strip(), f"{where}:{number}")
        key = (sample.metric, tuple(sorted(sample.labels.items())))
        if key in found:
            raise SchemaError(f"{where}:{number}: the series {line.split(' ')[0]} is there twice")
        found[key] = sample
    return list(found.values())


def _parse(line: str, where: str) -> Sample:
    matched = _SAMPLE.fullmatch(line)
    if matched is None:
        raise SchemaError(f"{where}: expected a sample, was {line[:80]!r}")
    metric, labels, value = matched.groups()
    try:
        return Sample(metric, dict(_labels(labels or "", where)), float(value.replace("Inf", "inf")))
    except ValueError as error:
        raise SchemaError(f"{where}: expected a value, was {value!r}") from error


def _labels(text: str, where: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        matched = _LABEL.match(text, at)
        if matched is None:
            raise SchemaError(f"{where}: expected labels, was {text[at : at + 80]!r}")
        name, value, _ = matched.groups()
        yield name, re.sub(r"\\.", lambda escape: _ESCAPED[escape.group()], value)
        at = matched.end()
