"""Rows of fills or of quotes from files, judged: what is wrong is refused, or left out and written down."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mm_ops.adapters.market_data import conformed_rows, refusal
from mm_ops.adapters.market_files import Since, load, read_batches
from mm_ops.adapters.origin import Origin
from mm_ops.adapters.rejects import Rejects, Why
from mm_ops.domain.edge.columns import Conformed, FileMapping, Kind
from mm_ops.domain.edge.duplicates import ROW_HASH, Doubled, Seen, count_doubled_quotes, find_doubled, last_moment
from mm_ops.domain.edge.faults import Fault, behind, find_faults, latest, unknown_symbols, untimed
from mm_ops.domain.edge.inputs import KeepOrDrop, Rows
from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import format_duration


class MarketReader:
    """One kind of a report's files, with the counts of what was met in them so far."""

    def __init__(
        self,
        kind: Kind,
        mapping: FileMapping,
        policy: Rows,
        rejects: Rejects,
        *,
        known: frozenset[str],
        by_exchange: frozenset[str],
        side_given: bool,
        since_ns: int | None = None,
    ) -> None:
        """Read files that call things as the mapping says; fills of symbols that are not ``known`` are a fault.

        ``by_exchange``: symbols that the exchange's clock orders; a row of theirs without its time is a fault.
        ``since_ns``: from when on rows are wanted, where the files' times are nanoseconds.
        """
        self._since = None
        if since_ns is not None and mapping.unit("ts_ns") == "ns":
            self._since = Since(mapping.source("ts_ns"), since_ns)
        self._kind: Kind = kind
        self._mapping = mapping
        self._policy = policy
        self._rejects = rejects
        self._known = known
        self._by_exchange = by_exchange
        self._side_given = side_given
        self._seen: dict[str | None, Seen] = {}
        self._files = self._rows = self._taken = self._doubled = self._alike = 0
        self._notional = self._lost_notional = 0.0
        self._sorted: dict[str, int] = {}

    def read_fills(self, files: Sequence[Path], symbol: str | None, *, remember: bool) -> pl.DataFrame:
        """Read some files, all at once since a fill may have come twice; also in those read before of that symbol.

        Args:
            files: of one symbol's day, or of what cannot be told apart.
            symbol: whose they are, where they are of one.
            remember: whether more of that symbol will be read, in which these fills may come again.

        Raises:
            SchemaError: a file cannot be read, lacks a column, or holds a fault that the policy refuses.
        """
        origin = Origin()
        fills = pl.concat([self._fills_of(file, origin) for file in files], how="diagonal")
        fills = self._without_doubled(fills, origin, symbol)
        self._seen |= {symbol: Seen.of(fills)} if remember else {}
        fills = fills.drop(ROW_HASH, strict=False)
        self._files += len(files)
        self._taken += fills.height
        return fills

    def read_quotes(self, files: Sequence[Path]) -> Iterator[pl.DataFrame]:
        """Read files one after the other, some rows at a time.

        Raises:
            SchemaError: as for fills.
        """
        for file in files:
            self._files += 1
            moment: pl.DataFrame | None = None
            before: pl.DataFrame | None = None
            for first_row, raw in read_batches(file, since=self._since):
                conformed = self._conformed(file, raw, first_row)
                good = self._judge(file, raw, conformed, before)
                before = latest(conformed.frame, before)
                moment = self._count_doubled(raw, moment)
                self._taken += int(good.sum())
                yield conformed.frame if good.all() else conformed.frame.filter(good)

    @property
    def counts(self) -> dict[str, Any]:
        """What was met so far."""
        rejected, alike = self._rejects.counts(self._kind), {"count": self._alike, "treat": self._alike_treat}
        return {
            "files": self._files,
            "rows": self._rows,
            "taken": self._taken,
            "rejected": rejected,
            "rejected_share": self._rejected_share(sum(rejected.values())),
            "duplicates": self._doubled,
            **({"alike_without_id": alike} if self._kind == "fills" else {}),
            "sorted_by_us": self._sorted,
        }

    def _rejected_share(self, rejected: int) -> float | None:
        """By number or by notional, whichever is more, of rows that differ: a file that is doubled hides nothing."""
        rows = self._rows - (self._rejects.duplicates() if self._kind == "fills" else 0)
        by_notional = self._lost_notional / self._notional if self._notional > 0 else 0.0
        return max(rejected / rows, by_notional) if rows else None

    def _conformed(self, file: Path, raw: pl.DataFrame, first_row: int = 0) -> Conformed:
        self._rows += raw.height
        side_given = self._side_given
        return conformed_rows(file, raw, self._kind, self._mapping, side_given=side_given, first_row=first_row)

    def _fills_of(self, file: Path, origin: Origin) -> pl.DataFrame:
        raw = load(file, self._since)
        conformed = self._conformed(file, raw)
        good = self._judge(file, raw, conformed)
        self._weigh(conformed.frame, good)
        origin.add(file, good)
        frame = conformed.frame
        if "fill_id" not in frame.columns or frame["fill_id"].null_count():
            frame = frame.with_columns(_plain(raw).hash_rows().alias(ROW_HASH))
        return frame if good.all() else frame.filter(good)

    def _count_doubled(self, raw: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
        plain, at = _plain(raw), self._mapping.source("ts_ns")
        self._doubled += count_doubled_quotes(plain, at, before)
        return last_moment(plain, at)

    def _judge(
        self, file: Path, raw: pl.DataFrame, conformed: Conformed, before: pl.DataFrame | None = None
    ) -> pl.Series:
        """Put faulty rows among the rejects, under their first fault, or refuse the file; which are good is given."""
        good = pl.Series("good", [True]).new_from_index(0, raw.height)
        for fault in self._faults(conformed, before):
            if self._policy.faults[fault.reason] == "refuse":
                raise refusal(file, fault, conformed)
            lost = fault.rows & good
            if not lost.any():
                continue
            rows = lost.arg_true() + conformed.first_row
            self._rejects.add(self._kind, file, fault.reason, fault.column, rows, raw.filter(lost))
            good &= ~lost
        return good

    def _faults(self, conformed: Conformed, before: pl.DataFrame | None) -> Sequence[Fault]:
        found = find_faults(conformed, side_given=self._side_given)
        found += untimed(conformed.frame, self._by_exchange)
        if self._kind == "fills":
            found.append(unknown_symbols(conformed.frame, self._known))
        limit = nanoseconds(self._policy.sort_within)
        for clock, late_ns in behind(conformed.frame, before):
            self._sorted.setdefault(clock, 0)
            if late_ns is None:
                continue
            self._sorted[clock] += int((late_ns.is_between(0, limit, closed="right")).sum())
            words = f"a time at most {format_duration(self._policy.sort_within)} before an earlier row's"
            found.append(Fault(clock, "time_backwards", words, late_ns > limit))
        return [fault for fault in found if fault.rows.any()]

    def _weigh(self, fills: pl.DataFrame, good: pl.Series) -> None:
        """Add up price × quantity where both are known, so that a large fill that was lost counts as one."""
        known = (fills["price"] > 0) & (fills["qty"] > 0) & fills["price"].is_finite() & fills["qty"].is_finite()
        notional = (fills["price"] * fills["qty"]).filter(known)
        self._notional += float(notional.sum())
        self._lost_notional += float(notional.filter(~good.filter(known)).sum())

    def _without_doubled(self, fills: pl.DataFrame, origin: Origin, symbol: str | None) -> pl.DataFrame:
        fills, origin = self._left(fills, find_doubled(fills), origin)
        if symbol in self._seen:
            fills, _ = self._left(fills, self._seen[symbol].find(fills), origin)
        return fills

    @property
    def _alike_treat(self) -> KeepOrDrop:
        return self._policy.duplicates.without_id

    def _left(self, fills: pl.DataFrame, doubled: Doubled, origin: Origin) -> tuple[pl.DataFrame, Origin]:
        """Count what is doubled, and what is left of fills without what the policy leaves out."""
        self._doubled += int(doubled.again.sum())
        self._alike += int(doubled.alike.sum())
        alike = doubled.alike & (self._alike_treat != "keep")
        lost = doubled.conflicting | doubled.again | alike
        if not lost.any():
            return fills, origin
        self._lost_notional += _traded(fills.filter(doubled.conflicting))
        self._notional -= _traded(fills.filter(doubled.again | alike))
        ambiguous, again = self._policy.faults["conflicting_fill_id"], self._policy.duplicates.with_id
        self._leave_out("conflicting_fill_id", fills, doubled.conflicting, origin, refuse=ambiguous == "refuse")
        self._leave_out("duplicate_fill", fills, doubled.again, origin, refuse=again == "refuse")
        self._leave_out("alike_without_id", fills, alike, origin, refuse=self._alike_treat == "refuse")
        return fills.filter(~lost), origin.filter(~lost)

    def _leave_out(self, why: Why, fills: pl.DataFrame, lost: pl.Series, origin: Origin, *, refuse: bool) -> None:
        values = fills.drop(ROW_HASH, strict=False)
        for file, which, rows in origin.find(lost):
            if refuse:
                words = why.replace("_", " ")
                raise SchemaError(f"{file}: row {rows[0]}: {words}, of {lost.sum()} such rows")
            self._rejects.add("fills", file, why, "fill_id", rows, values[which])


def _traded(fills: pl.DataFrame) -> float:
    return float((fills["price"] * fills["qty"]).sum())


def _plain(raw: pl.DataFrame) -> pl.DataFrame:
    """A file's rows without the columns that hold lists or structures, which cannot be compared."""
    return raw.select(pl.exclude([name for name, kind in raw.schema.items() if kind.is_nested()]))
