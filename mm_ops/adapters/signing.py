"""Signs with an Ed25519 key of OpenSSH, as ``ssh-keygen -Y sign`` does: whoever has OpenSSH can check it."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from mm_ops.domain.errors import PolicyError


def signer(key: Path | str, namespace: str) -> Callable[[bytes], bytes]:
    """Make what signs.

    Args:
        key: a private key file, or the text of one (from the environment).
        namespace: what signatures are for; one made for something else does not pass.

    Returns:
        From a message to its signature.
    """

    def sign(message: bytes) -> bytes:
        if isinstance(key, Path):
            return _sign(key, namespace, message)
        with tempfile.NamedTemporaryFile("w") as kept:  # readable by its owner alone
            kept.write(key if key.endswith("\n") else f"{key}\n")
            kept.flush()
            return _sign(Path(kept.name), namespace, message)

    return sign


def _sign(key: Path, namespace: str, message: bytes) -> bytes:
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", namespace]
    try:
        done = subprocess.run(command, input=message, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise PolicyError("ssh-keygen is missing (package openssh-client): nothing can be signed") from error
    if done.returncode != 0 or not done.stdout:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise PolicyError(
            f"the key cannot sign: {said or 'no reason given'}; expected a private key without a passphrase"
        )
    return done.stdout
