"""Fills and quotes as anybody's files hold them: what is wrong, doubled or no trade against the book goes by policy.

Nothing is dropped silently: rejected rows are returned with file, row and reason, and everything else that is left
out is counted in the report's section ``inputs``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mm_ops.adapters.market_data import conformed_rows, refusal
from mm_ops.adapters.market_files import find_files, load
from mm_ops.adapters.rejects import Rejects, Why
from mm_ops.domain.edge.columns import ColumnMapping, Conformed, Kind
from mm_ops.domain.edge.duplicates import ROW_HASH, count_doubled_quotes, find_doubled
from mm_ops.domain.edge.faults import Fault, behind, find_faults, unknown_symbols
from mm_ops.domain.edge.intake import EdgePolicies, SideIs, prepare
from mm_ops.domain.edge.join import nanoseconds
from mm_ops.domain.errors import SchemaError
from mm_ops.domain.windows import TimeWindow, format_duration

_FILE, _ROW = "file_number", "row_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which inputs, and how their files call things.

    ``side_is``: whose side the fills give. ``infer_aggressor``: null sides are inferred, and all are aggressors'.
    """

    fills: Path
    quotes: Path
    window: TimeWindow | None = None
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    side_is: SideIs = "ours"
    infer_aggressor: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is measured; ``section`` belongs into the report as ``inputs``, ``rejects`` beside it as JSON lines."""

    fills: pl.DataFrame
    quotes: pl.DataFrame
    section: dict[str, Any]
    rejects: bytes


def read_inputs(request: Request, policies: EdgePolicies) -> Inputs:
    """Read fills and quotes, and leave out what the policy says, with a count of everything.

    Raises:
        MissingEvidenceError: nothing is there, or a recorded file is gone.
        IntegrityError: a file is not the one that was recorded.
        SchemaError: a file cannot be read, lacks a column or a clock, or holds a fault that the policy refuses.
        PolicyError: a venue has no clock.
    """
    rejects = Rejects()
    fills, of_fills = _Reader(request, policies, "fills", rejects).read()
    quotes, of_quotes = _Reader(request, policies, "quotes", rejects).read()
    prepared = prepare(fills, quotes, policies, side_is=request.side_is, infer=request.infer_aggressor)
    section = {
        "max_rejected_share": policies.inputs.max_rejected.share,
        "max_unknown_share": policies.inputs.aggressor.max_unknown.share,
        "fills": of_fills,
        "quotes": of_quotes,
        **prepared.counts,
    }
    return Inputs(prepared.fills, prepared.quotes, section, rejects.encode())


class _Reader:
    """One kind of a request's files, with the counts of what was met in them."""

    def __init__(self, request: Request, policies: EdgePolicies, kind: Kind, rejects: Rejects) -> None:
        self._place = request.fills if kind == "fills" else request.quotes
        self._window = request.window
        self._mapping = request.mapping.of(kind)
        self._side_given = not request.infer_aggressor
        self._known = frozenset(item.symbol for item in policies.instruments.instruments)
        self._policy = policies.inputs
        self._kind: Kind = kind
        self._rejects = rejects
        self._rows = self._doubled_quotes = 0
        self._notional = self._lost_notional = 0.0
        self._sorted: dict[str, int] = {}

    def read(self) -> tuple[pl.DataFrame, dict[str, Any]]:
        """Read all files, and say what was met."""
        files = find_files(self._place, self._window)
        parts = [self._file(number, file) for number, file in enumerate(files)]
        frame = pl.concat(parts, how="diagonal")
        if self._kind == "fills":
            frame = self._without_doubled(frame, files)
        rejected = self._rejects.counts(self._kind)
        doubled = self._rejects.duplicates(self._kind) if self._kind == "fills" else self._doubled_quotes
        return frame, {
            "files": len(files),
            "rows": self._rows,
            "taken": frame.height,
            "rejected": rejected,
            "rejected_share": self._rejected_share(sum(rejected.values())),
            "duplicates": doubled,
            "sorted_by_us": self._sorted,
        }

    def _rejected_share(self, rejected: int) -> float | None:
        """By number or by notional, whichever is more, of rows that differ: a file that is doubled hides nothing."""
        rows = self._rows - self._rejects.duplicates(self._kind)
        by_notional = self._lost_notional / self._notional if self._notional > 0 else 0.0
        return max(rejected / rows, by_notional) if rows else None

    def _file(self, number: int, file: Path) -> pl.DataFrame:
        raw = load(file)
        conformed = conformed_rows(file, raw, self._kind, self._mapping, side_given=self._side_given)
        self._rows += raw.height
        frame = conformed.frame
        plain = raw.select(pl.exclude([name for name, kind in raw.schema.items() if kind.is_nested()]))
        if self._kind == "quotes":
            self._doubled_quotes += count_doubled_quotes(plain, self._mapping.source("ts_ns"))
        else:
            provenance = {_FILE: pl.lit(number), _ROW: pl.int_range(raw.height)}
            frame = frame.with_columns(**provenance, **{ROW_HASH: plain.hash_rows()})
        good = self._good(file, raw, conformed)
        return frame if good.all() else frame.filter(good)

    def _good(self, file: Path, raw: pl.DataFrame, conformed: Conformed) -> pl.Series:
        """Put faulty rows among the rejects, under their first fault, or refuse the file."""
        good = pl.Series("good", [True]).new_from_index(0, raw.height)
        for fault in self._faults(conformed):
            if self._policy.rows.faults[fault.reason] == "refuse":
                raise refusal(file, fault, conformed)
            lost = fault.rows & good
            self._rejects.add(self._kind, file, fault.reason, fault.column, lost.arg_true(), raw.filter(lost))
            good &= ~lost
        self._weigh(conformed.frame, good)
        return good

    def _faults(self, conformed: Conformed) -> Sequence[Fault]:
        found = find_faults(conformed, side_given=self._side_given)
        if self._kind == "fills":
            found.append(unknown_symbols(conformed.frame, self._known))
        limit = nanoseconds(self._policy.rows.sort_within)
        for clock, late_ns in behind(conformed.frame):
            count = int((late_ns.is_between(0, limit, closed="right")).sum())
            self._sorted[clock] = self._sorted.get(clock, 0) + count
            words = f"a time at most {format_duration(self._policy.rows.sort_within)} before an earlier row's"
            found.append(Fault(clock, "time_backwards", words, late_ns > limit))
        return [fault for fault in found if fault.rows.any()]

    def _weigh(self, frame: pl.DataFrame, good: pl.Series) -> None:
        """Add up price × quantity where both are known, so that a large fill that was lost counts as one."""
        if self._kind == "quotes":
            return
        known = (frame["price"] > 0) & (frame["qty"] > 0) & frame["price"].is_finite() & frame["qty"].is_finite()
        notional = (frame["price"] * frame["qty"]).filter(known)
        self._notional += float(notional.sum())
        self._lost_notional += float(notional.filter(~good.filter(known)).sum())

    def _without_doubled(self, fills: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
        doubled = find_doubled(fills.drop(_FILE, _ROW))
        lost = doubled.conflicting | doubled.again
        if not lost.any():
            return fills.drop(_FILE, _ROW, ROW_HASH)
        ambiguous, again = fills.filter(doubled.conflicting), fills.filter(doubled.again)
        self._lost_notional += float((ambiguous["price"] * ambiguous["qty"]).sum())
        self._notional -= float((again["price"] * again["qty"]).sum())
        on_conflict = self._policy.rows.faults["conflicting_fill_id"]
        self._leave_out("conflicting_fill_id", ambiguous, files, refuse=on_conflict == "refuse")
        on_doubled = self._policy.rows.duplicates
        self._leave_out("duplicate_fill", again, files, refuse=on_doubled == "refuse")
        return fills.filter(~lost).drop(_FILE, _ROW, ROW_HASH)

    def _leave_out(self, why: Why, lost: pl.DataFrame, files: Sequence[Path], *, refuse: bool) -> None:
        for number, of_file in lost.group_by(_FILE, maintain_order=True):
            file = files[int(number[0])]
            values = of_file.drop(_FILE, _ROW, ROW_HASH)
            if refuse:
                words = why.replace("_", " ")
                raise SchemaError(f"{file}: row {of_file[_ROW][0]}: {words}, of {lost.height} such rows")
            self._rejects.add("fills", file, why, "fill_id", of_file[_ROW], values)
