"""How a reason writes numbers."""

from datetime import timedelta

from mm_ops.domain.windows import format_duration

_MIB = 2**20


def in_unit(value: float, unit: str) -> str:
    """Six significant digits and the unit; a count has no word, and bytes are written in MiB."""
    if unit == "count":
        return f"{value:.6g}"
    return f"{value / _MIB:.6g} MiB" if unit == "bytes" else f"{value:.6g} {unit}"


def percent(share: float) -> str:
    """Two decimals, never rounded up: 98.999 % must not read as 99 %."""
    return f"{int(share * 10_000) / 100:g} %"


def seconds(length: float) -> str:
    """A length of so many seconds, as Prometheus writes it."""
    return format_duration(timedelta(seconds=length))
