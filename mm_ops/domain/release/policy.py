"""``deploy/policies/release.yaml``: who signs a bundle, and whether it must be signed."""

from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, SecretPlace, Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReleasePolicy:
    """A release that must be signed and cannot be is refused; one that need not be says loudly that it is not.

    ``require_pre_live_pack`` lets a bundle wait for the day's ``pre_live_pack``, which then ships with it.
    ``key`` is where the private key is kept: Ed25519 as OpenSSH writes it, without a passphrase.
    """

    require_signature: bool
    key: SecretPlace | None = None
    require_pre_live_pack: bool = False
    source: Source

    def __post_init__(self) -> None:
        if self.require_signature and self.key is None:
            raise ValueError("key: expected the place of the key, since a signature is required")
