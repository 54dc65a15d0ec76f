"""``mm-ops sentinel edge status | pin | unpin``: the profile that each bot's edge asks for, and a person's own word."""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import marker, say, show_table

if TYPE_CHECKING:
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.profile_desk import ProfileDesk
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.sentinel.edge_history import EdgeHistory

DONE, NOT_SO, UNDECIDED = 0, 1, 2
_HEADER = ("bot", "state", "profile, read back", "should be", "since", "below, above", "ema1h", "ema24h", "last window")
_BOT = click.option("--bot", "chosen", help="The bot's name in bots.yaml; may be left out where there is one.")
_BY = click.option("--by", required=True, help="Who says so: a person's name.")
_REASON = click.option("--reason", required=True, help="Why; it stays in the journal.")


class Length(click.ParamType[timedelta]):
    """A duration such as 6h or 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it."""
        from mm_ops.domain.windows import parse_duration

        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def edge() -> None:
    """Say which profile each bot's edge asks for, and hold one to a profile."""


@edge.command()
@click.option("--bot", "chosen", help="Only this one; default every bot that has a control.")
@click.option("--json", "as_json", is_flag=True, help="The answer as canonical JSON.")
def status(chosen: str | None, *, as_json: bool) -> None:
    """Read each bot back, and say which profile it should have, since when and why.

    Exit 0 when every bot trades by the profile that it should, 1 when one does not, 2 when that is not known, as of a
    bot whose entry in bots.yaml is broken.
    """
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.rollback_desk import Desk
    from mm_ops.domain.canonical import encode

    environment = Environment.read()
    desk = Desk.read(environment)
    rows = [_describe(environment, desk, name) for name in desk.names(chosen)]
    answers = {row["answer"] for row in rows} | ({"UNKNOWN"} if desk.faults and chosen is None else set())
    answer = next(one for one in ("UNKNOWN", "OTHERWISE", "AS_IT_SHOULD") if one in answers)
    if as_json:
        click.echo(encode({"answer": answer, "bots": rows, "faults": desk.faults}).decode(), nl=False)
    else:
        _show(rows)
    for fault in desk.faults:
        say(f"not known: {fault}")
    marker("sentinel edge", answer, err=as_json)
    sys.exit({"AS_IT_SHOULD": DONE, "OTHERWISE": NOT_SO}.get(answer, UNDECIDED))


@edge.command()
@click.option("--profile", required=True, help="One of profiles.yaml.")
@click.option("--for", "length", type=Length(), required=True, help="How long, such as 6h; the policy has a limit.")
@_BY
@_REASON
@_BOT
def pin(profile: str, length: timedelta, by: str, reason: str, chosen: str | None) -> None:
    """Hold a bot to a profile for a time, whatever its edge does; afterwards the windows count again.

    Exit 0 when it reads back, or is kept for when the bot is ACTIVE again; 1 when it does not read back.
    """
    from mm_ops.domain.sentinel.edge_pin import make_pin

    at = _open(chosen)
    rules, now = at.policy.pin, at.desk.clock.now()
    made = make_pin(profile, by=by, reason=reason, now=now, length=length, rules=rules, names=at.profiles.names)
    _write(at, {"profile": made.profile, "by": made.by, "reason": made.reason, "until": made.until})
    say(f"{at.bot}: {made.words}")
    with at.log() as log:
        effect = at.switch(at.order(profile, made.reason, by=made.by), log)
    if effect.marker:
        click.echo(effect.marker)
    if effect.reason:
        say(f"{at.bot}: {effect.reason}")
    answer = "PINNED" if effect.confirmed else "KEPT" if effect.deferred else "NOT_CONFIRMED"
    marker("sentinel edge pin", answer)
    sys.exit(NOT_SO if answer == "NOT_CONFIRMED" else DONE)


@edge.command()
@_BY
@_REASON
@_BOT
def unpin(by: str, reason: str, chosen: str | None) -> None:
    """Let the windows count again; the bot keeps its profile until they say otherwise."""
    from mm_ops.domain.errors import MmOpsError, PolicyError

    at = _open(chosen)
    if not by.strip() or len(reason.strip()) < at.policy.pin.least_reason:
        raise PolicyError(f"by, reason: expected a name, and at least {at.policy.pin.least_reason} letters of why")
    pins = at.pins()
    if isinstance(pins, MmOpsError):
        say(f"{at.bot}: what is pinned is not known: {pins}")
    elif not any(one.holds(at.desk.clock.now()) for one in pins):
        say(f"{at.bot}: nothing is pinned")
    _write(at, {"profile": None, "by": by.strip(), "reason": " ".join(reason.split())})
    marker("sentinel edge unpin", "UNPINNED")


def _open(chosen: str | None) -> "ProfileDesk":
    from mm_ops.adapters.environment import Environment
    from mm_ops.adapters.profile_desk import ProfileDesk
    from mm_ops.adapters.rollback_desk import Desk

    environment = Environment.read()
    desk = Desk.read(environment)
    return ProfileDesk.of(environment, desk.one(chosen), desk)


def _write(at: "ProfileDesk", body: dict[str, Any]) -> None:
    """Write a pin down; one that is not in the journal does not hold, so a fault of it is the command's."""
    from mm_ops.adapters.profile_desk import PINS, WHO

    now = at.desk.clock.now()
    with at.desk.written(WHO) as journal:
        journal.note_event(PINS, at.bot, {**body, "at": now}, now)


def _describe(environment: "Environment", desk: "Desk", name: str) -> dict[str, Any]:
    from mm_ops.adapters.profile_desk import ProfileDesk
    from mm_ops.domain.errors import MmOpsError
    from mm_ops.domain.rollback.bot import BotState, shows

    at = ProfileDesk.of(environment, name, desk)
    history, state, pins = _history(environment, name), at.read(), at.pins()
    faults = [str(one) for one in (state, pins) if isinstance(one, MmOpsError)]
    found = () if isinstance(pins, MmOpsError) else pins
    pinned = next((one for one in reversed(found) if one.holds(desk.clock.now())), None)
    wanted = history.state.profile if pinned is None else pinned.profile
    known = isinstance(state, BotState) and not faults
    obeys = wanted is None or (isinstance(state, BotState) and shows(state, at.order(wanted, "").command))
    return {
        "bot": name,
        "answer": "UNKNOWN" if not known or not history.rows else "AS_IT_SHOULD" if obeys else "OTHERWISE",
        "trading_state": state.trading_state if isinstance(state, BotState) else "unknown",
        "profile": state.profile if isinstance(state, BotState) else "unknown",
        "settings": state.profile_settings if isinstance(state, BotState) else None,
        "wanted": wanted,
        "pin": None if pinned is None else pinned.words,
        "state": history.state,
        "last": history.rows[-1] if history.rows else None,
        "effect": None if history.effect is None else (history.effect.reason or "read back"),
        "fault": None if known else "; ".join(faults or [str(state)]),
    }


def _history(environment: "Environment", bot: str) -> "EdgeHistory":
    from mm_ops.adapters.artifacts import Artifacts
    from mm_ops.adapters.evidence import BotEvidence
    from mm_ops.domain.sentinel.edge_history import EdgeHistory

    evidence = BotEvidence(Artifacts(environment.artifacts), bot)
    name = evidence.edge_profile()
    found = evidence.find_json(name)
    return EdgeHistory() if found is None else EdgeHistory.load(found, evidence.address(name))


def _show(rows: list[dict[str, Any]]) -> None:
    show_table("sentinel edge", _HEADER, [_row(one) for one in rows])
    for one in rows:
        lines = [one["pin"], one["fault"] and f"not known: {one['fault']}", one["effect"] and f"asked: {one['effect']}"]
        last = one["last"]
        why = "no window was looked at: is the sensor edge_ema on, and the daemon up?"
        lines += [why] if last is None else [last.reason, *last.pages, *last.window.unknown]
        for line in filter(None, lines):
            click.echo(f"{one['bot']}: {line}")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    state, last = one["state"], one["last"]
    numbers = ("", "") if last is None else (_bps(last.window.fast), _bps(last.window.slow))
    since = "" if state.since is None else f"{state.since:%Y-%m-%dT%H:%MZ}"
    end = "none" if state.last is None else f"{state.last:%Y-%m-%dT%H:%MZ}"
    wanted = one["wanted"] or "its own"
    return (
        one["bot"],
        one["trading_state"],
        one["profile"],
        wanted,
        since,
        f"{state.below}, {state.above}",
        *numbers,
        end,
    )


def _bps(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} bps"
