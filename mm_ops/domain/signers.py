"""``deploy/policies/signers.yaml``: the people whose signature counts, for what, and the file that OpenSSH reads."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from mm_ops.domain.policy import CLOSED, Name, Source
from mm_ops.domain.windows import Duration

BUNDLE, OVERRIDE = "mm_ops-bundle", "mm_ops-override"
"""Namespaces of signatures: one that was made for the one says nothing for the other."""

Person = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\"]*$", min_length=2, max_length=80)]
PublicKey = Annotated[str, StringConstraints(pattern=r"^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Signer:
    """A person whose signature counts: ``name`` is the key's, ``public_key`` the first two words of its ``.pub``."""

    name: Name
    person: Person
    public_key: PublicKey
    signs: Annotated[tuple[Literal["bundle", "override"], ...], Field(min_length=1)]
    source: Source

    @property
    def namespaces(self) -> tuple[str, ...]:
        """What its signatures count for."""
        return tuple(f"mm_ops-{what}" for what in self.signs)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SignersPolicy:
    """Who may sign what, and for how long an override may hold at most."""

    max_override: Duration
    signers: tuple[Signer, ...]
    source: Source

    def __post_init__(self) -> None:
        names = [signer.name for signer in self.signers]
        if len(set(names)) != len(names):
            raise ValueError("signers: expected every name once, was twice")
        if self.max_override <= timedelta(0):
            raise ValueError("max_override: expected more than 0 s")


def allowed_signers(policy: SignersPolicy) -> str:
    """Write the file that ``ssh-keygen -Y verify -f`` and ``mm-ops bundle verify --signers`` read."""
    return "".join(f'{one.name} namespaces="{",".join(one.namespaces)}" {one.public_key}\n' for one in policy.signers)
