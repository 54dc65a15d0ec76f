"""One symbol's averages while its fills come in parts, and what goes on into the next window.

A fill whose horizon ends after the window stays open: it is handed on with the window's last quote, and closes in the
next one. So windows that follow one another tell what one long window tells, and every fill once.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from mm_ops.domain.edge.arrays import Ints
from mm_ops.domain.edge.ema import EmaState, Sums, decay
from mm_ops.domain.edge.ema_fills import ClosedFills, OpenFills, Quoted
from mm_ops.domain.edge.ema_policy import EmaPolicy
from mm_ops.domain.edge.ema_stream import load_state
from mm_ops.domain.edge.fill_arrays import FillArrays
from mm_ops.domain.edge.join import Book, Met, Reach, nanoseconds
from mm_ops.domain.edge.policy import Instrument
from mm_ops.domain.errors import PolicyError, SchemaError
from mm_ops.domain.windows import TimeWindow


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What a window hands on of a symbol: each average by name, the open fills, and its last quote."""

    emas: Mapping[str, EmaState] = field(default_factory=dict)
    open: OpenFills = field(default_factory=OpenFills.none)
    quoted: Quoted | None = None

    def saved(self) -> dict[str, Any]:
        """All of it as plain values, for canonical JSON."""
        return {
            "emas": {name: asdict(state) for name, state in self.emas.items()},
            "open": self.open.saved(),
            "quoted": None if self.quoted is None else asdict(self.quoted),
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """Read what :meth:`saved` wrote.

        Raises:
            SchemaError: fields are missing, or no numbers of their kind.
        """
        try:
            quoted = None if saved["quoted"] is None else Quoted(**saved["quoted"])
            emas = {name: load_state(state) for name, state in saved["emas"].items()}
            return cls(emas, OpenFills.load(saved["open"]), quoted)
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaError(
                f"ema: handed_on: expected emas, open and quoted as a report stores them: {error}"
            ) from error


@dataclass(frozen=True, slots=True)
class Grid:
    """When the averages are told: ``times_ns`` grow, the window's end is the last; ``horizon``: which of the edge's."""

    policy: EmaPolicy
    window: TimeWindow
    reach: Reach
    horizon: int
    times_ns: Ints

    @classmethod
    def of(cls, policy: EmaPolicy, window: TimeWindow, reach: Reach) -> Self:
        """Multiples of ``every`` from the window's start on, and its end.

        Raises:
            PolicyError: the averages' horizon is none of the edge's.
        """
        horizon = nanoseconds(policy.horizon)
        if horizon not in reach.horizons_ns:
            raise PolicyError(f"ema.yaml: horizon: expected one of edge.yaml's, was {policy.horizon}")
        every = nanoseconds(policy.every)
        times = np.arange(-(-window.start_ns // every) * every, window.end_ns, every, dtype=np.int64)
        at = reach.horizons_ns.index(horizon)
        return cls(policy, window, reach, at, np.append(times, window.end_ns))


class EmaTrack:
    """The averages of one symbol; fills are added in the order of time."""

    def __init__(self, grid: Grid, instrument: Instrument, before: HandedOn | None = None) -> None:
        """Begin with nothing, or with what the window before handed on.

        Raises:
            SchemaError: a state is another half-life's.
        """
        self._grid = grid
        self._instrument = instrument
        self._before = before or HandedOn()
        waiting = self._before.open
        done = int(np.searchsorted(waiting.close_ns, grid.window.end_ns))
        self._waiting, self._open = waiting.pick(slice(done)), waiting.pick(slice(done, None))
        self._states = {rule.name: self._before.emas.get(rule.name) for rule in grid.policy.emas}
        self._sums: dict[str, list[Sums]] = {rule.name: [] for rule in grid.policy.emas}
        self._told = 0
        self.closed = self.without = 0
        self._add(ClosedFills.join([]))

    @property
    def waits_until(self) -> int:
        """The time up to which quotes must be known before fills are added; 0 when nothing waits."""
        return int(self._waiting.close_ns[-1]) + 1 if self._waiting.close_ns.size else 0

    @property
    def open(self) -> int:
        """How many fills are handed on."""
        return int(self._open.close_ns.size)

    def close_waiting(self, book: Book) -> None:
        """Close what the window before handed on, by the quotes of this one."""
        if self._waiting.close_ns.size:
            stale_ns = self._grid.reach.stale_ns
            self._add(self._waiting.close_in(book, self._before.quoted, stale_ns, self._instrument))
            self._waiting = OpenFills.none()

    def add(self, fills: FillArrays, met: Met) -> None:
        """Add fills, with a mid or without; those that close after the window stay open."""
        at, reach = self._grid.horizon, self._grid.reach
        every = OpenFills.of(fills, met, reach.horizons_ns[at], self._instrument)
        done = int(np.searchsorted(every.close_ns, reach.end_ns))
        some = slice(done)
        self._add(every.pick(some).close(met.later[at][some], met.seen[at][some], self._instrument))
        if done < every.close_ns.size:
            self._open = self._open.then(every.pick(slice(done, None)))

    def sums(self, name: str) -> Sums:
        """An average at the grid's times, when all fills are added."""
        rest = decay(ClosedFills.join([]), self._half_life(name), self._states[name])
        return Sums.one_after_another([*self._sums[name], rest.sums_at(self._grid.times_ns[self._told :])])

    def handed_on(self, book: Book) -> HandedOn:
        """What the next window begins with; ``book`` holds at least the last quote, where there is one."""
        quoted = Quoted(int(book.at[-1]), float(book.mid[-1])) if book.at.size else self._before.quoted
        return HandedOn({name: state for name, state in self._states.items() if state}, self._open, quoted)

    def _half_life(self, name: str) -> Any:
        return next(rule.half_life for rule in self._grid.policy.emas if rule.name == name)

    def _add(self, closed: ClosedFills) -> None:
        self.closed += closed.close_ns.size
        self.without += int(np.count_nonzero(~closed.known))
        last = int(closed.close_ns[-1]) if closed.close_ns.size else 0  # at its own time more may close
        times = self._grid.times_ns[self._told : np.searchsorted(self._grid.times_ns, last)]
        for rule in self._grid.policy.emas:
            decayed = decay(closed, rule.half_life, self._states[rule.name])
            self._states[rule.name] = decayed.last
            if times.size:
                self._sums[rule.name].append(decayed.sums_at(times))
        self._told += times.size
