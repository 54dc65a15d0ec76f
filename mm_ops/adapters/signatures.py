"""Ed25519 signatures, made with a key file and checked against a public key; needs the extra ``sign``."""

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from mm_ops.adapters.json_files import read_regular
from mm_ops.domain.errors import PolicyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MOST_OF_A_KEY = 10_000


def sign(key_file: Path, data: bytes) -> tuple[str, str]:
    """Sign some bytes with the private key of a PEM file (``openssl genpkey -algorithm ed25519``).

    Returns:
        The public key and the signature, in base64.

    Raises:
        PolicyError: it holds no Ed25519 key without a passphrase, or the extra ``sign`` is not installed.
    """
    key = _read_key(key_file)
    return base64.b64encode(key.public_key().public_bytes_raw()).decode(), base64.b64encode(key.sign(data)).decode()


def verify(public_key: str, data: bytes, signature: str) -> bool:
    """Whether a signature of some bytes is that of a public key; both in base64.

    Raises:
        PolicyError: the extra ``sign`` is not installed, so nobody knows.
    """
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError as error:
        raise PolicyError("no signature can be checked: install mm_ops with the extra sign (cryptography)") from error
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read_key(key_file: Path) -> "Ed25519PrivateKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    except ImportError as error:
        raise PolicyError("nothing can be signed: install mm_ops with the extra sign (cryptography)") from error
    data = read_regular(key_file, _MOST_OF_A_KEY)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PolicyError(f"{key_file}: expected a private key in PEM without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PolicyError(f"{key_file}: expected an Ed25519 key (openssl genpkey -algorithm ed25519), was another kind")
    return key
