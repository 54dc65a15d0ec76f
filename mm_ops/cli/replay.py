"""``mm-ops replay``: which alerts would have fired and what the gates would have said, under one policy or two."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mm_ops.cli.context import marker, say, show_table
from mm_ops.cli.samples import Moment, Origin, origin_options, read_policies, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mm_ops.domain.sli.series import SampleSource
    from mm_ops.domain.soak.history import Change, History
    from mm_ops.domain.windows import TimeWindow

_FILE = click.Path(dir_okay=False, path_type=Path)
_WHOSE = ("soak.yaml", "--policy")
_FIRED = ("alert", "action", "series", "pending since", "firing since", "until", "for", "worst")
_SOAKS = ("soak up to", "verdict", "fail", "inconclusive", "pass")


@click.command()
@origin_options
@click.option("--from", "start", type=Moment(), required=True, help="Start of the stretch: a date, or an ISO time.")
@click.option("--to", "end", type=Moment(), required=True, help="Its end, exclusive.")
@click.option("--policy", type=_FILE, help="Another soak.yaml: say what it would change.")
@click.option("--sentinels", is_flag=True, help="Run the sentinels instead: every change of state, and why.")
@click.option("--json", "as_json", is_flag=True, help="All of it as canonical JSON.")
def replay(  # noqa: PLR0913 - one argument for each flag
    *,
    mock: bool,
    recording: Path | None,
    prometheus: str | None,
    bot: str,
    timeout: int | None,
    expect_version: str | None,
    start: datetime,
    end: datetime,
    policy: Path | None,
    sentinels: bool,
    as_json: bool,
) -> None:
    """Run gates and alert rules, or sentinels, over recorded history, with the functions that judge live.

    Alerts are replayed over the whole stretch; each soak that lies in it and ends at a UTC midnight is judged. Exit 0
    where every soak passes (under --policy, if given), 1 where one fails, 2 where one could not be decided or there is
    none. With --sentinels exit 0: what they would have said is no verdict.
    """
    origin = Origin(mock, recording, prometheus, bot, timeout)
    source, words = origin.open()
    from mm_ops.domain.canonical import encode
    from mm_ops.domain.errors import PolicyError
    from mm_ops.domain.sli.series import split_series
    from mm_ops.domain.soak.history import find_changes, find_excess, replay_history, why_no_soak
    from mm_ops.domain.soak.resolve import selectors_of
    from mm_ops.domain.soak.verdicts import Reference
    from mm_ops.domain.windows import TimeWindow

    if start >= end:
        raise PolicyError(f"--from, --to: expected a start before the end, was {_words(start)} and {_words(end)}")
    window, reference = TimeWindow(start, end), Reference(version=expect_version or version_of(bot))
    if sentinels:
        _sentinels(source, window, origin.folder, as_json=as_json)
        return
    excess = find_excess(window)
    if excess:
        raise PolicyError(f"--from, --to: {excess}")
    read = [read_policies(), *([read_policies(policy)] if policy else [])]
    wanted = [one for slis, soak, _ in read for one in selectors_of(slis, soak)]
    selectors = [one for n, one in enumerate(wanted) if one not in wanted[:n]]
    say(f"replay: reading {window} from {words}")
    table = split_series(source.read(selectors, window))
    histories = [
        replay_history(slis, soak, table, window, reference, tell=_teller(whose))
        for (slis, soak, _), whose in zip(read, _WHOSE, strict=False)
    ]
    changes = find_changes(histories[0], histories[-1])
    lacks = ["" if one.soaks else why_no_soak(window, soak) for (_, soak, _), one in zip(read, histories, strict=True)]
    if as_json:
        for lack in filter(None, lacks):
            say(f"replay: {lack}")
        click.echo(encode({"window": str(window), "histories": histories, "changes": changes}), nl=False)
    else:
        _show(histories, lacks, changes, compared=policy is not None)
    code = _exit_code(histories[-1])
    marker("replay", {0: "PASS", 1: "FAIL", 2: "INCONCLUSIVE"}[code], err=as_json)
    sys.exit(code)


def _sentinels(source: "SampleSource", window: "TimeWindow", folder: Path | None, *, as_json: bool) -> None:
    from mm_ops.cli.replay_cron import replay_cron, show_cron
    from mm_ops.cli.replay_edge import plain_edge, replay_edge, show_edge
    from mm_ops.domain.canonical import encode

    rows = replay_edge(source, window, folder, lambda words: say(f"replay: {words}"))
    say("replay: the runs of every task")
    changes = replay_cron(window)
    if as_json:
        click.echo(encode({"window": str(window), "edge": plain_edge(rows), "cron": changes}), nl=False)
    else:
        show_edge(rows)
        show_cron(changes)
    marker("replay", "SENTINELS", err=as_json)


def _words(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _teller(whose: str) -> "Callable[[str], None]":
    return lambda words: say(f"replay: by {whose}: {words}")


def _show(
    histories: "Sequence[History]", lacks: "Sequence[str]", changes: "Sequence[Change]", *, compared: bool
) -> None:
    for history, lack, whose in zip(histories, lacks, _WHOSE, strict=False):
        show_table(f"alerts that would have fired, by {whose}", _FIRED, [_fired_row(one) for one in history.fired])
        show_table(f"soaks, by {whose}", _SOAKS, [_soak_row(one) for one in history.soaks])
        if lack:
            click.echo(lack)
    if compared:
        rows = [(one.what, one.before, one.after) for one in changes]
        show_table("what --policy changes", ("what", "by soak.yaml", "by --policy"), rows)
        click.echo(f"{len(changes)} changes" if changes else "nothing changes")


def _fired_row(one: Any) -> tuple[str, ...]:
    from mm_ops.domain.markdown import number
    from mm_ops.domain.windows import format_duration

    episode = one.episode
    times = (episode.pending_since, episode.firing_since, episode.until)
    labels = ",".join(f"{name}={value}" for name, value in sorted(episode.labels.items()))
    shown = ("still firing" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in times)
    return (one.alert, one.action, labels, *shown, format_duration(episode.duration), number(episode.worst))


def _soak_row(one: Any) -> tuple[str, ...]:
    from mm_ops.domain.verdict import Verdict

    names = {verdict: [finding.gate for finding in one.findings if finding.verdict is verdict] for verdict in Verdict}
    shown = (", ".join(names[verdict]) for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE))
    return (f"{one.window.end:%Y-%m-%dT%H:%M:%SZ}", one.verdict.value, *shown, str(len(names[Verdict.PASS])))


def _exit_code(history: "History") -> int:
    from mm_ops.domain.verdict import Verdict, exit_code

    verdicts = {soak.verdict for soak in history.soaks}
    if Verdict.FAIL in verdicts:
        return exit_code(Verdict.FAIL)
    return exit_code(Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.INCONCLUSIVE)
