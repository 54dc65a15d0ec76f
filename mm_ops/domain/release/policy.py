"""``deploy/policies/release.yaml``: who signs a bundle, whether it must be signed, and how one becomes live."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, SecretPlace, Source
from mm_ops.domain.windows import Duration


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PromotionPolicy:
    """What a step needs: ``staged_for`` in staging before live, ``proven_after`` live before it is known to be good.

    ``least_reason`` is in letters.
    """

    staged_for: Duration
    proven_after: Duration
    least_reason: Annotated[int, Field(ge=1)]
    source: Source

    def __post_init__(self) -> None:
        if self.staged_for < timedelta(0) or self.proven_after <= timedelta(0):
            raise ValueError("expected staged_for of 0s or more, and proven_after of more than 0s")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReleasePolicy:
    """A release that must be signed and cannot be is refused; one that need not be says loudly that it is not.

    ``require_pre_live_pack`` lets a bundle wait for the day's ``pre_live_pack``, which then ships with it.
    ``key`` is where the private key is kept: Ed25519 as OpenSSH writes it, without a passphrase.
    """

    require_signature: bool
    key: SecretPlace | None = None
    promotion: PromotionPolicy
    require_pre_live_pack: bool = False
    source: Source

    def __post_init__(self) -> None:
        if self.require_signature and self.key is None:
            raise ValueError("key: expected the place of the key, since a signature is required")
