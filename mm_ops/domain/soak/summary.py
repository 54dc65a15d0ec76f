"""What the gates found, as it is stored, and read back; light, since every check of the location loads it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mm_ops.domain.canonical import to_plain
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.verdict import Finding, Severity, Verdict

_FIELDS = frozenset(field.name for field in fields(Finding))
_ADAPTER = TypeAdapter(Finding)


def gates_summary(findings: Sequence[Finding], verdict: Verdict, window: str) -> dict[str, Any]:
    """Summarise what the gates found, as it is stored: verdict, counts per severity, every finding."""
    counts = Counter((finding.severity, finding.verdict) for finding in findings)
    summary: dict[str, Any] = to_plain(
        {
            "verdict": verdict,
            "window": window,
            "counts": {
                severity.value: {each.value: counts[severity, each] for each in Verdict} for severity in Severity
            },
            "findings": findings,
        }
    )
    return summary


def findings_from(document: Mapping[str, Any]) -> list[Finding]:
    """Read the findings back from what :func:`gates_summary` gave.

    Raises:
        SchemaError: a field is absent, unknown or of another type; names it.
    """
    stored = field_of(document, "findings", list)
    return [_finding(number, entry) for number, entry in enumerate(stored)]


def find_finding(document: Mapping[str, Any], gate: str) -> Finding:
    """Read the one finding of a gate.

    Raises:
        SchemaError: there is none, or more than one; or the document is not a summary.
    """
    found = [finding for finding in findings_from(document) if finding.gate == gate]
    if len(found) != 1:
        raise SchemaError(f"gates summary: expected one finding of {gate}, was {len(found)}")
    return found[0]


def field_of(document: object, name: str, kind: type | tuple[type, ...]) -> Any:
    """Read one field of a stored document.

    Raises:
        SchemaError: it is absent or of another type.
    """
    if not isinstance(document, Mapping) or name not in document:
        raise SchemaError(f"soak metrics: {name}: expected a field of this name, was none")
    value = document[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise SchemaError(f"soak metrics: {name}: expected another type, was {type(value).__name__}")
    return value


def _finding(number: int, entry: Mapping[str, Any]) -> Finding:
    where = f"gates summary: findings.{number}"
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        was = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise SchemaError(f"{where}: expected the fields of a finding, was {was}")
    try:
        return _ADAPTER.validate_json(json.dumps(entry, allow_nan=False), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(str(step) for step in fault["loc"])
        raise SchemaError(f"{where}.{field}: {fault['msg']}, was {fault['input']!r}") from error
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{where}: not the JSON that was stored: {error}") from error
