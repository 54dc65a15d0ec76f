from datetime import timedelta

import pytest

from mm_ops.domain.release.hold import Hearing, find_holds
from mm_ops_tests.rollback_world import NOW

LIMIT = timedelta(seconds=90)
HEARD = Hearing(blind={}, last_beat=NOW)
BLIND = "blind: the Watchdog was never heard"


@pytest.mark.parametrize(
    ("hearing", "required", "expected"),
    [
        (HEARD, True, []),
        (Hearing(blind={}, last_beat=NOW - LIMIT), True, []),
        (Hearing(blind={}, last_beat=NOW - LIMIT * 1.01), True, ["held: the watcher has heard the heartbeat last at"]),
        (
            Hearing(blind={}, last_beat=None),
            True,
            ["held: the watcher has heard the heartbeat never, expected every 1m30s"],
        ),
        (Hearing(blind={}, last_beat=None), False, []),
        (Hearing(blind={"watchdog": BLIND}, last_beat=None), True, [f"held: {BLIND}"]),
        (
            Hearing(blind={"watchdog": BLIND, "backstop": "deaf"}, last_beat=NOW),
            False,
            ["held: deaf", f"held: {BLIND}"],
        ),
        (Hearing(blind={}, last_beat=NOW, holding=("SoakTargetDown, e",)), False, ["held: an alert asks for it and"]),
    ],
    ids=["heard", "at the limit", "silent", "never", "optional and never", "blind", "blind in two ways", "an alert"],
)
def test_a_promotion_is_held_while_alerts_may_not_be_heard(hearing: Hearing, expected: list[str], *, required: bool):
    found = list(find_holds(hearing, required=required, silent_after=LIMIT, now=NOW))
    assert len(found) == len(expected)
    assert all(said.startswith(start) for said, start in zip(found, expected, strict=True))
