"""Which code is at work: a digest of every file of this package, by name and bytes."""

from pathlib import Path

from mm_ops.domain.canonical import digest, encode

_PACKAGE = Path(__file__).resolve().parents[1]


def code_digest() -> str:
    """The digest; the same wherever the package lies, and another when any of its files is."""
    files = (path for path in _PACKAGE.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return digest(encode({path.relative_to(_PACKAGE).as_posix(): digest(path.read_bytes()) for path in files}))
