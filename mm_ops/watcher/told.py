"""What the watcher says of itself: a state for people, metrics for Prometheus."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.rendering.policy import DRILL_LABEL, DRILL_METRIC
from mm_ops.domain.rollback.bot import BotControl, BotState
from mm_ops.domain.rollback.bounded import call_within, together
from mm_ops.domain.rollback.drill.notes import LATEST, SUBJECT, find_open
from mm_ops.watcher.service import Service


def state_document(service: Service) -> dict[str, Any]:
    """Read every bot, all at once, and say how the watcher is set; a bot that does not answer is said to be unknown."""
    responder = service.responder
    read = _read_all(dict(responder.bots), responder.policy.attempts.attempt.total_seconds())
    waiting, size = service.load
    return {
        "auto_rollback": responder.policy.auto_rollback.enabled,
        "dry_run": responder.dry_run,
        "blind": service.blind,
        "backstop": None if service.backstop is None else service.backstop.state(),
        "notifications": None if service.notifier is None else service.notifier.state(),
        "faults": service.faults,
        "weak": service.weak,
        "waiting": {"bodies": waiting, "bytes": size},
        "bots": {
            name: {"state": state} if isinstance(state, BotState) else {"unknown": str(state)}
            for name, state in sorted(read.items())
        },
    }


def metrics_text(service: Service) -> str:
    """Give the metrics in Prometheus' text format."""
    told = "" if service.notifier is None else service.notifier.metrics()
    return "".join(f"{line}\n" for line in (*_metrics(service), *_drills(service))) + told


def _metrics(service: Service) -> Iterator[str]:
    waiting, size = service.load
    policy = service.responder.policy
    gauges = {
        "waiting_bodies": ("Bodies that wait to be dealt with.", waiting),
        "waiting_bytes": ("What they hold.", size),
        "blind": ("1 while the Watchdog is silent.", int(service.blind is not None)),
        "auto_rollback_enabled": ("0 while every rollback is only a page.", int(policy.auto_rollback.enabled)),
        "dry_run": ("1 while no bot is commanded.", int(service.responder.dry_run)),
        "faults": ("Reasons not to rely on this watcher.", len(service.faults)),
        "weak": ("What of it works less well.", len(service.weak)),
    }
    for name, (words, value) in gauges.items():
        yield f"# HELP mm_ops_watcher_{name} {words}"
        yield f"# TYPE mm_ops_watcher_{name} gauge"
        yield f"mm_ops_watcher_{name} {value}"
    yield from _backstop_metrics(service)
    yield "# HELP mm_ops_watcher_events_total What happened since the start, by kind."
    yield "# TYPE mm_ops_watcher_events_total counter"
    for kind, count in sorted(dict(service.counts).items()):
        yield f'mm_ops_watcher_events_total{{kind="{kind}"}} {count}'


def _drills(service: Service) -> Iterator[str]:
    """Tell which drills are open: Prometheus raises their alert by that; a journal that cannot be read opens none."""
    now = service.responder.clock.now()
    yield f"# HELP {DRILL_METRIC} 1 while a fire drill of a bot is asked for."
    yield f"# TYPE {DRILL_METRIC} gauge"
    for bot in sorted(service.responder.bots):
        try:
            found = find_open(bot, service.journal.notes(SUBJECT, bot, LATEST), now)
        except MmOpsError:
            continue
        if found is not None:
            yield f'{DRILL_METRIC}{{bot="{bot}",{DRILL_LABEL}="{found.name}"}} 1'


def _backstop_metrics(service: Service) -> Iterator[str]:
    if service.backstop is None:
        return
    state = service.backstop.state()
    yield "# HELP mm_ops_watcher_source_deaf 1 while a source of alerts does not answer."
    yield "# TYPE mm_ops_watcher_source_deaf gauge"
    for name, source in sorted(state["sources"].items()):
        yield f'mm_ops_watcher_source_deaf{{source="{name}"}} {int(source["deaf"])}'
    yield "# HELP mm_ops_watcher_backstop_total What the backstop did since the start, by kind."
    yield "# TYPE mm_ops_watcher_backstop_total counter"
    for kind, count in sorted(state["counts"].items()):
        yield f'mm_ops_watcher_backstop_total{{kind="{kind}"}} {count}'


def _read_all(bots: dict[str, BotControl], within_s: float) -> dict[str, BotState | MmOpsError]:
    read = together([partial(call_within, control.read, within_s) for control in bots.values()])
    return dict(zip(bots, read, strict=True))
