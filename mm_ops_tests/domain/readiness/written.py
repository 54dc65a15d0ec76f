"""The readiness file of a week, as it is read back."""

import json
from typing import Any

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.readiness.document import readiness_document
from mm_ops.domain.readiness.score import score_readiness
from mm_ops.domain.readiness.soundness import REPORTS
from mm_ops_tests.domain.readiness.week import EXPECTED, LAST, POLICY, week

POLICY_DIGEST = digest(b"the policy")
INPUTS = {f"paper/{day}/reports/{name}": digest(f"{day} {name}".encode()) for day in EXPECTED for name in REPORTS}


def document(**different: Any) -> dict[str, Any]:
    """A sound one; ``different`` holds for every day."""
    days = week(**different)
    made = readiness_document(
        score_readiness(days, EXPECTED, POLICY),
        days,
        bot="paper",
        day=LAST,
        runtime={"utc": "2026-11-21T00:30:00+00:00", "version": "0.1.0"},
        basis={
            "stored_as": "paper/2026-11-20/reports/readiness.json",
            "version": "1.0.0",
            "made_by": "0.1.0",
            "origin": "sha256:" + "0" * 64,
            "sources": {},
            "inputs": INPUTS,
            "policies": {"readiness.yaml": POLICY_DIGEST},
        },
    )
    plain: dict[str, Any] = json.loads(encode(made))
    return plain
