from typing import Any

import pytest

from mm_ops.domain.prelive.ended import Ended
from mm_ops.domain.prelive.finding import pack_finding
from mm_ops.domain.prelive.policy import REQUIRED
from mm_ops.domain.verdict import Verdict


def pack(**ended: Ended | None) -> dict[str, Any]:
    """A pack in which every step passed but these; ``None`` is not there."""
    ends = {**dict.fromkeys(REQUIRED, Ended.PASSED), **ended}
    steps = [{"step": name, "ended": end.value, "why": "why"} for name, end in ends.items() if end is not None]
    return {"steps": steps}


def test_a_pack_passes_when_every_step_passed():
    found = pack_finding(pack())
    assert (found.verdict, found.reason, found.value, found.hard) == (Verdict.PASS, "8 steps passed", 0.0, True)


@pytest.mark.parametrize(
    ("ended", "verdict", "reason"),
    [
        (
            {"rotation": Ended.FAILED, "rules_check": None},
            Verdict.FAIL,
            "rotation: failed: why; rules_check: not there",
        ),
        ({"rotation": Ended.COULD_NOT_RUN}, Verdict.INCONCLUSIVE, "rotation: could-not-run: why"),
        ({"rotation": Ended.NOT_RUN}, Verdict.INCONCLUSIVE, "rotation: not-run: why"),
        ({"secrets_scan": None}, Verdict.INCONCLUSIVE, "secrets_scan: not there"),
        (dict.fromkeys(REQUIRED), Verdict.INCONCLUSIVE, "; ".join(f"{name}: not there" for name in REQUIRED)),
        ({"one_more": Ended.FAILED}, Verdict.FAIL, "one_more: failed: why"),
    ],
)
def test_a_step_that_did_not_pass_or_is_not_there_is_no_pass(
    ended: dict[str, Ended | None], verdict: Verdict, reason: str
):
    found = pack_finding(pack(**ended))
    assert (found.verdict, found.reason) == (verdict, reason)
