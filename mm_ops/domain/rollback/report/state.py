"""Where one bot stands, by its own word and by the journal's, as Dagster shows it."""

from collections.abc import Mapping
from typing import Any

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.rollback.bot import TradingState
from mm_ops.domain.rollback.report.halt import Look
from mm_ops.domain.rollback.report.story import Standing, StopRecord

_VARY = ("observed_at", "sequence", "open_orders", "faults")


def describe_state(standing: Standing, look: Look) -> dict[str, Any]:
    """Say everything, flat: texts and numbers, no nulls; what is not known says so."""
    state, stop = look.state, standing.stop
    known: dict[str, Any] = {
        "summary": summarise(standing, look),
        "trading_state": "unknown" if state is None else state.trading_state.value,
        "blind": "; ".join(standing.blind.values()) or "no",
        "faults": "; ".join(look.faults) or "none",
    }
    if state is not None:
        shown = ("strategy_scale", "circuit", "orders_frozen", "profile", "open_orders", "version")
        known |= {name: getattr(state, name) for name in shown}
        known |= {"observed_at": state.observed_at, "sequence": state.sequence}
    if stop is not None:
        known |= {
            "stop": stop.answer,
            "stopped_since": stop.claimed_at,
            "stopped_for": stop.alert,
            "episode": stop.episode,
            "round": stop.round,
            "resumed": "no" if standing.resumed is None else standing.resumed.words,
        }
    return known


def state_version(described: Mapping[str, Any]) -> str:
    """The same as long as nothing has changed that matters: not the moment at which it was read."""
    return digest(encode({name: value for name, value in described.items() if name not in _VARY}))


def summarise(standing: Standing, look: Look) -> str:
    """Say it in one sentence, what is worst first."""
    stop, resumed = standing.stop, standing.resumed
    blind = f"BLIND ({'; '.join(standing.blind.values())}); " if standing.blind else ""
    now = "does not answer" if look.state is None else f"reads {look.state.trading_state.value}"
    if stop is None:
        return f"{blind}{standing.bot} {now}; it was never stopped"
    since = f"stopped for {stop.alert} at {stop.claimed_at:%Y-%m-%dT%H:%M:%SZ}"
    if resumed is not None:
        return f"{blind}{standing.bot} {now}; {since}, {resumed.words}"
    return f"{blind}{_grave(stop, look)}{standing.bot} {now}; {since}, {stop.answer}"


def _grave(stop: StopRecord, look: Look) -> str:
    """What must be seen at once of a bot that was stopped and that nobody has resumed."""
    if look.state is None:
        return "UNSURE: "
    if look.state.trading_state is not TradingState.HALTED:
        return "NOT HALTED: "
    if look.state.open_orders:
        return "ORDERS OPEN: "
    return "" if stop.confirmed else "UNSURE: "
