"""``mm-ops notify test``: does each channel reach somebody?"""

import sys

import click

from mm_ops.cli.context import marker, policy_file, show_table

DELIVERED, FAILED, UNDECIDED = 0, 1, 2


@click.group()
def notify() -> None:
    """Try the channels through which people are told."""


@notify.command()
@click.option("--channel", "chosen", help="Only this one; default every channel of notify.yaml.")
def test(chosen: str | None) -> None:
    """Send one message, marked as a test, through each channel, and say which has delivered it.

    Exit 0 when all have, 1 when one has not, 2 when there is none to try.
    """
    from mm_ops.adapters.environment import Environment, WallClock
    from mm_ops.adapters.notify_channels import channel_of
    from mm_ops.adapters.policy_files import read_policy
    from mm_ops.domain.errors import MmOpsError, PolicyError
    from mm_ops.domain.notify.message import trial
    from mm_ops.domain.notify.policy import NotifyPolicy

    policy, environment = read_policy(policy_file("notify.yaml"), NotifyPolicy), Environment.read()
    channels = [one for one in policy.channels if chosen in {None, one.name}]
    if not channels:
        known = ", ".join(one.name for one in policy.channels) or "none: people are told nothing but standard error"
        raise PolicyError(f"notify.yaml: channels: expected {chosen or 'a channel'} to try; there are: {known}")
    rows = []
    for one in channels:
        try:
            channel = channel_of(one, lambda one=one: environment.secret(one.address), policy.retry.attempt)  # type: ignore[misc]
            channel.send(trial(one.name, WallClock().now()))
            said = "delivered"
        except MmOpsError as error:
            said = str(error)
        rows.append((one.name, one.kind.value, ", ".join(told.value for told in one.audiences), said))
    show_table("notify test", ("channel", "kind", "for", "answer"), rows)
    good = all(row[-1] == "delivered" for row in rows)
    marker("notify test", "DELIVERED" if good else "FAILED")
    sys.exit(DELIVERED if good else FAILED)
