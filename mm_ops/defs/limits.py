"""What may not be at work twice at once, or must not wait behind other work: pools and tags.

A run takes a place in each pool of its assets for as long as it runs (``granularity: run``), and ``deploy/dagster``
gives every pool one place. They hold however a run was started, but only for runs of the queue: a command runs beside
it.
"""

ROTATION = "rotation"
DRILLS = "drills"

PARTITION_TAG = "dagster/partition"
"""Of each run of a day, by the nightly job or a person or a backfill, and of a stop's report: Dagster sets it. Many may
wait for each other, so that a stop of a bot, which has none, never waits for them."""
STOP_TAG = "mm_ops/stop"
"""Of each run that stops a bot, its value the bot."""
FIRST = {"dagster/priority": "100", "dagster/max_runtime_seconds": "600"}
"""A stop goes before all that waits. One that hangs is ended, since the next one of its bot waits for it: an attempt
has seconds, a stop with all its attempts minutes."""


def night_pool(bot: str) -> str:
    """Days of one bot run one after the other, in the order that they were asked for: each rests on those before.

    Its checks too: a release refuses a check that is judged again while it is made.
    """
    return f"{bot}_nights"


def report_pool(bot: str) -> str:
    """Reports of stops: two rounds of one episode write the same file."""
    return f"{bot}_rollbacks"


def profile_pool(bot: str) -> str:
    """Windows of the edge count once, and each goes on from the last."""
    return f"{bot}_profile"
