"""Whether the signed override of a stored readiness counts now: asked by the check, and once more at the release."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mm_ops.adapters.signatures import is_signed_by
from mm_ops.defs.resources import Site
from mm_ops.domain.readiness.finding import readiness_finding
from mm_ops.domain.readiness.override import judge_again
from mm_ops.domain.signers import SignersPolicy
from mm_ops.domain.verdict import Finding

SIGNERS = "signers.yaml"


def judge_readiness(document: Mapping[str, Any], site: Site, now: datetime | None = None) -> Finding:
    """Judge a readiness file by the site's signers, and by its clock unless another time is given.

    Raises:
        PolicyError: signers.yaml is impossible.
    """
    if not document.get("override"):
        return readiness_finding(document)
    refused = judge_again(document, site.policy(SIGNERS, SignersPolicy), is_signed_by, now or site.now())
    return readiness_finding(document, refused)
