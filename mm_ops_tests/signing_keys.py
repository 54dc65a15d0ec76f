"""Ed25519 keys made for a test, by the tool that the policy file names; none is kept."""

import subprocess
from pathlib import Path

from mm_ops_tests.requirements import require_binary


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """A new private key as OpenSSH writes it, and its ``.pub`` beside it."""
    made = [require_binary("ssh-keygen"), "-q", "-t", kind, "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(made, check=True, capture_output=True)
    return path


def public_key(path: Path) -> str:
    """Its public key, as ``signers.yaml`` wants it."""
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])
