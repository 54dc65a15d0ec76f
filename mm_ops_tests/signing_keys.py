"""Ed25519 keys made for a test, by the tool that the policy file names; none is kept."""

import base64
import subprocess
from pathlib import Path


def make_key(path: Path, algorithm: str = "ed25519") -> Path:
    """A new private key in PEM."""
    subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, "-out", str(path)], check=True, capture_output=True)
    return path


def public_key(path: Path) -> str:
    """Its public key, as the policy's comment says to get it."""
    shown = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    return base64.b64encode(shown[-32:]).decode()
