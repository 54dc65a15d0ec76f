"""Reads JSON that somebody else wrote, strictly: what two readers could understand differently is refused."""

import json
import math
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from mm_ops.domain.errors import MissingEvidenceError, SchemaError

MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 100


def read_json(path: Path) -> Any:
    """Read one file.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: it is no regular file, larger than 256 MiB, not UTF-8, not JSON (with line and column), nested
            deeper than 100 levels, has a key twice in one object, or holds NaN, infinity or a number too large to be
            one here.
    """
    return parse_json(read_regular(path, MAX_BYTES), str(path))


def read_regular(path: Path, most: int) -> bytes:
    """Read the bytes of a file; a device or a pipe, which may never end, is refused before it is opened.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: it is no regular file, cannot be read, or holds more than ``most`` bytes.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise SchemaError(f"{path}: not readable: expected a regular file, was {_kind(found.st_mode)}")
        if found.st_size > most:
            raise SchemaError(f"{path}: expected at most {most:,} bytes, was {found.st_size:,}")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError as error:
        raise MissingEvidenceError(f"{path}: no such file") from error
    except OSError as error:
        raise SchemaError(f"{path}: not readable: {error.strerror}") from error
    if len(data) > most:  # it grew since, or says 0 of itself as files of the kernel do
        raise SchemaError(f"{path}: expected at most {most:,} bytes, was more")
    return data


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "something else")


def read_object(path: Path) -> dict[str, Any]:
    """Read one file that holds an object.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: as for :func:`read_json`, or it holds something else.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise SchemaError(f"{path}: expected an object, was {type(document).__name__}")
    return document


def read_soak(path: Path) -> dict[str, Any]:
    """Read a stored soak, whether a command wrote it or the asset, which holds the day beside the window.

    Raises:
        MissingEvidenceError: there is no such file.
        SchemaError: as for :func:`read_object`.
    """
    document = read_object(path)
    window: dict[str, Any] = document["window"] if isinstance(document.get("window"), dict) else document
    return window


def parse_json(data: bytes, where: str) -> Any:
    """Parse bytes; ``where`` names them in messages.

    Raises:
        SchemaError: as for :func:`read_json`.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_no_doubled_keys, parse_constant=_no_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise SchemaError(f"{where}: not UTF-8: byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise SchemaError(f"{where}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise SchemaError(f"{where}: nested deeper than {MAX_DEPTH} levels") from error
    except _RefusedError as error:
        raise SchemaError(f"{where}: {error}") from error
    except ValueError as error:
        raise SchemaError(f"{where}: a number of more digits than can be read") from error
    _refuse_depth(value, where)
    return value


class _RefusedError(ValueError):
    """Raised inside the parser, where the file's name is not known."""


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _RefusedError(f"the key {key!r} stands twice in one object")
    return found


def _no_constant(text: str) -> float:
    raise _RefusedError(f"{text} is not JSON; a missing number is null")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"{text} is larger than any number here can be")
    return value


def _refuse_depth(value: Any, where: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for parent in level for item in _children(parent)]
        if not level:
            return
    raise SchemaError(f"{where}: nested deeper than {MAX_DEPTH} levels")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [item for item in value.values() if isinstance(item, dict | list)]
    return [item for item in value if isinstance(item, dict | list)] if isinstance(value, list) else []
