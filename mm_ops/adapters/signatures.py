"""Who signed some bytes: checks what ``ssh-keygen -Y sign`` makes with an Ed25519 key; needs nothing but Python.

It verifies and never signs, so it knows no secret and need not take the same time for all of them. It is part of the
``verify.py`` of every bundle, hence imports nothing of mm_ops.

    signed bytes = "SSHSIG" + string(namespace) + string("") + string(hash) + string(hash of the message)

Sources: OpenSSH PROTOCOL.sshsig; ssh-keygen(1), ALLOWED SIGNERS; RFC 8032, sections 5.1 and 6.
"""

import base64
import hashlib
import re
from collections.abc import Iterator

_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?")
_SIGNER = re.compile(r'("[^"]*"|\S+)\s+(?:((?:[^\s"]|"[^"]*")+)\s+)??(ssh-ed25519\s+[A-Za-z0-9+/=]+)(?:\s.*)?')
_NAMESPACES = re.compile(r'namespaces="?([^"]*)"?')
_KIND = b"ssh-ed25519"
_HASHES = ("sha512", "sha256")

_P = 2**255 - 19
_Q = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]
"""X, Y, Z, T with x = X/Z, y = Y/Z and x·y = T/Z."""
_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
_BASE: _Point = (_X, _Y, 1, _X * _Y % _P)


def find_signer(
    message: bytes, signature: bytes, allowed_signers: str, namespace: str
) -> tuple[str | None, str | None]:
    """Say who of the allowed signers signed a message, or why nobody did.

    Args:
        message: what was signed.
        signature: as ``ssh-keygen -Y sign`` gives it; empty for none.
        allowed_signers: the text of such a file. Its only option that is known here is ``namespaces``, without
            wildcards: a line with another one counts for nothing.
        namespace: what the signature was made for.
    """
    if not signature:
        return None, "signature: it is not signed"
    text = signature.decode("ascii", "replace")
    known = list(_read_signers(allowed_signers))
    for name, namespaces, key in known:
        if (namespaces is None or namespace in namespaces) and is_signed_by(key, namespace, message, text):
            return name, None
    found = key_of(text)
    whose = f"by the key {found}" if found else "no Ed25519 signature of ssh-keygen"
    return None, f"signature: not by one of {len(known)} allowed signers for {namespace}: {whose}"


def _read_signers(text: str) -> Iterator[tuple[str, list[str] | None, str]]:
    """Name, namespaces (``None``: any) and key of each line."""
    for line in text.splitlines():
        found = _SIGNER.fullmatch(line.strip())
        if found is None or line.lstrip().startswith("#"):
            continue
        asked = None if found[2] is None else _NAMESPACES.fullmatch(found[2])
        if found[2] is None or asked is not None:
            names = None if asked is None else asked[1].split(",")
            yield found[1].strip('"'), names, " ".join(found[3].split())


def is_signed_by(key: str, namespace: str, message: bytes, signature: str) -> bool:
    """Whether a signature of some bytes, made for a namespace, is that of a key (``ssh-ed25519 AAAA…``)."""
    try:
        public, made_for, hashed, value = _parse(signature)
        stated = _strings(base64.b64decode(key.split(" ")[1], validate=True), 2)
    except (ValueError, IndexError):
        return False
    if stated != [_KIND, public] or made_for != namespace.encode():
        return False
    digest = hashlib.new(hashed, message).digest()
    signed = b"SSHSIG" + b"".join(_string(part) for part in (made_for, b"", hashed.encode(), digest))
    return verify_ed25519(public, signed, value)


def key_of(signature: str) -> str | None:
    """The public key that a signature says made it, as ``.pub`` files write it; nothing is verified."""
    try:
        public, *_ = _parse(signature)
    except ValueError:
        return None
    return f"ssh-ed25519 {base64.b64encode(_string(_KIND) + _string(public)).decode()}"


def _parse(signature: str) -> tuple[bytes, bytes, str, bytes]:
    """Public key, namespace, name of the hash, and the 64 bytes; refuses whatever else is there."""
    found = _ARMOUR.fullmatch(signature)
    data = base64.b64decode(found[1].replace("\n", ""), validate=True) if found else b""
    if not data.startswith(b"SSHSIG\x00\x00\x00\x01"):
        raise ValueError("no signature of ssh-keygen")
    key, namespace, reserved, hashed, value = _strings(data[10:], 5)
    (kind, public), (how, made) = _strings(key, 2), _strings(value, 2)
    if (kind, how, reserved) != (_KIND, _KIND, b"") or hashed.decode("ascii", "replace") not in _HASHES:
        raise ValueError("not of Ed25519, or of another hash")
    return public, namespace, hashed.decode(), made


def _strings(data: bytes, count: int) -> list[bytes]:
    found, at = [], 0
    for _ in range(count):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise ValueError("it is cut short")
        found.append(data[at + 4 : end])
        at = end
    if at != len(data):
        raise ValueError("it goes on")
    return found


def _string(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``R = s·B - h·A`` with ``h`` the SHA-512 of R, A and the message; ``s`` must be below the order."""
    at = _point(public) if len(public) == 32 and len(signature) == 64 else None  # noqa: PLR2004 - bytes, by RFC 8032
    scalar = int.from_bytes(signature[32:], "little")
    if at is None or scalar >= _Q:
        return False
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _Q
    x, y, z, t = at
    found = _add(_times(scalar, _BASE), _times(hashed, (_P - x, y, z, _P - t)))
    return _bytes(found) == signature[:32]


def _point(data: bytes) -> _Point | None:
    """The point that 32 bytes name: y, and the lowest bit of x."""
    stated = int.from_bytes(data, "little")
    y, sign = stated & (2**255 - 1), stated >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _bytes(point: _Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _add(one: _Point, other: _Point) -> _Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % _P, (one[1] + one[0]) * (other[1] + other[0]) % _P
    c, d = 2 * one[3] * other[3] * _D % _P, 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = (0, 1, 1, 0)
    while scalar:
        total = _add(total, point) if scalar & 1 else total
        point, scalar = _add(point, point), scalar >> 1
    return total
