"""``deploy/policies/inputs.yaml``: what becomes of rows that are wrong, doubled, or no trade against the book.

Every row that is not measured is counted by reason. ``refuse`` ends the report with the first such row, ``quarantine``
leaves the row out and writes it to the rejects, ``keep`` measures it, ``exclude`` and ``drop`` leave it out.
"""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import Duration

Reason = Literal[
    "no_time",
    "no_symbol",
    "unknown_symbol",
    "bad_side",
    "bad_liquidity",
    "one_sided",
    "bad_price",
    "bad_quantity",
    "bad_fee",
    "time_backwards",
    "conflicting_fill_id",
]
REASONS: tuple[Reason, ...] = (
    "no_time",
    "no_symbol",
    "unknown_symbol",
    "bad_side",
    "bad_liquidity",
    "one_sided",
    "bad_price",
    "bad_quantity",
    "bad_fee",
    "time_backwards",
    "conflicting_fill_id",
)
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
KeepOrExclude = Literal["keep", "exclude"]
KeepOrDrop = Literal["keep", "drop", "refuse"]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Limit:
    """The largest share (0 to 1) that passes."""

    share: Share
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Duplicates:
    """What becomes of fills that came twice: by their id, or, ``without_id``, because the whole rows are alike.

    The latter may as well be two partial fills of one order; those that are kept are counted as those that are not.
    """

    with_id: Literal["drop", "refuse"]
    without_id: KeepOrDrop
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Rows:
    """What becomes of faulty rows.

    ``sort_within``: a row whose time lies behind that of an earlier row of its symbol is sorted by us if it is at most
    so far behind, and is ``time_backwards`` beyond.
    """

    faults: dict[Reason, Literal["refuse", "quarantine"]]
    sort_within: Duration
    duplicates: Duplicates
    source: Source

    def __post_init__(self) -> None:
        missing = sorted(set(REASONS) - set(self.faults))
        if missing:
            raise ValueError(f"faults: expected every reason, was without {', '.join(missing)}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Condition:
    """Prints of which any of these bits is set in ``sale_cond``, a bit mask in hexadecimal text."""

    name: Name
    bits: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,8}$")]
    treat: KeepOrExclude
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class OffExchange:
    """Prints whose ``exch`` is one of these: reported later, and in no order with the quotes."""

    exchanges: Annotated[tuple[str, ...], Field(min_length=1)]
    treat: KeepOrExclude
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Prints:
    """Prints that no resting quote of the moment made; the first condition that is met names a print."""

    off_exchange: OffExchange
    conditions: tuple[Condition, ...]
    several_in_one_millisecond: KeepOrExclude
    sweeps: KeepOrExclude
    source: Source

    def __post_init__(self) -> None:
        counts = Counter(item.name for item in self.conditions)
        doubled = sorted(name for name, count in counts.items() if count > 1)
        if doubled:
            raise ValueError(f"conditions: expected every name once, was twice: {', '.join(doubled)}")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Books:
    """Quotes whose bid meets or passes the ask; where one is excluded, the quote before it prevails on.

    More crossed ones than ``max_crossed`` are no market: bid and ask may be swapped.
    """

    locked: KeepOrExclude
    crossed: KeepOrExclude
    max_crossed: Limit
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Aggressor:
    """How the aggressor is inferred: from the mid strictly before the print, of quotes ``quote_lag`` later."""

    quote_lag: Duration
    max_unknown: Limit
    source: Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class InputsPolicy:
    """The whole file."""

    max_rejected: Limit
    rows: Rows
    prints: Prints
    books: Books
    aggressor: Aggressor
