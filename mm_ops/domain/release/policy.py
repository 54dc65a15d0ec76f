"""``deploy/policies/release.yaml``: who signs a bundle, and whether it must be signed."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Source


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SigningKey:
    """Where the private key is kept, Ed25519 as OpenSSH writes it and without a passphrase: a file, or a variable."""

    file: Annotated[str, Field(min_length=1)] | None = None
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.env is None):
            raise ValueError("expected one of file and env: where the key is kept")


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class ReleasePolicy:
    """A release that must be signed and cannot be is refused; one that need not be says loudly that it is not."""

    require_signature: bool
    key: SigningKey | None = None
    source: Source

    def __post_init__(self) -> None:
        if self.require_signature and self.key is None:
            raise ValueError("key: expected the place of the key, since a signature is required")
