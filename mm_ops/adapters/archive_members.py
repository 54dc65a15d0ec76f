"""Opens ZIP, gzip, bzip2, xz and lzma in memory, as far as the bounds let it: files, bytes that come out, and depth."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from mm_ops.domain.secrets.policy import Bounds

_ZIP, _GZIP, _BZIP2 = b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh"
_BZIP2_BLOCK = b"1AY&SY"
_XZ, _LZMA = b"\xfd7zXZ\x00", b"]\x00\x00"
_UNOPENED = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"(\xb5/\xfd": "zstd",
    b"\x04\x22M\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"MSCF\x00\x00\x00\x00": "CAB",
}
"""What begins so is packed in a way that nothing here opens: that is told."""
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
_LZMA_MEMORY = 256 * 1024 * 1024
_END = b"PK\x05\x06"
_END_WITHIN = 65_536 + 22
_PIECE = 1_048_576


class PartError(Exception):
    """What is inside was not read to its end; says why."""


@dataclass(frozen=True, slots=True)
class Inside:
    """How deep an archive lies, and what is left of the bytes and files that all of one file may hold."""

    bounds: Bounds
    depth: int = 0
    used: list[int] = field(default_factory=lambda: [0, 0])

    def deeper(self) -> "Inside":
        """One archive further in.

        Raises:
            PartError: that is too deep.
        """
        if self.depth >= self.bounds.max_depth:
            raise PartError(f"archives in archives, more than {self.bounds.max_depth} deep")
        return Inside(self.bounds, self.depth + 1, self.used)

    def take(self, read: Callable[[int], bytes], member: str) -> bytes:
        """Read one file of an archive whole.

        Raises:
            PartError: there are too many bytes or files.
        """
        self.used[1] += 1
        if self.used[1] > self.bounds.max_members:
            raise PartError(f"more than {self.bounds.max_members:,} files inside")
        pieces = []
        while piece := read(_PIECE):
            self.used[0] += len(piece)
            if self.used[0] > self.bounds.max_inside_bytes:
                raise PartError(f"{member}: more than {self.bounds.max_inside_bytes:,} bytes come out of it")
            pieces.append(piece)
        return b"".join(pieces)


def is_archive(data: bytes) -> bool:
    """Whether bytes begin as an archive does."""
    return data.startswith((_ZIP, _GZIP, _XZ, *_UNOPENED)) or _is_bzip2(data) or _is_lzma(data)


def ends_as_archive(stream: BinaryIO) -> bool:
    """Whether a file ends as a ZIP does, whatever stands before it; where the stream is afterwards is not said."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END_WITHIN))
    return _END in stream.read() and zipfile.is_zipfile(stream)


def _is_bzip2(data: bytes) -> bool:
    return data.startswith(_BZIP2) and data[4:10] == _BZIP2_BLOCK


def _is_lzma(data: bytes) -> bool:
    """An old .lzma has no name of its own; its size is not told, or is one of less than 2^40 bytes."""
    return data.startswith(_LZMA) and (data[5:13] == b"\xff" * 8 or data[10:13] == bytes(3)) and data[13:14] == b"\x00"


class _Lzma:
    """Reads xz and lzma, one stream after the other, with a bound on memory that the library's own file lacks."""

    def __init__(self, data: bytes) -> None:
        self._rest = data
        self._stream = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)

    def read(self, size: int) -> bytes:
        """Read some bytes; none at the end."""
        while True:
            if self._stream.eof:
                self._rest = self._stream.unused_data.lstrip(b"\0")  # xz pads with those
                if not self._rest:
                    return b""
                self._stream = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)
            piece = self._stream.decompress(self._rest, size)
            self._rest = b""
            if piece:
                return piece
            if not self._stream.eof and self._stream.needs_input:
                raise EOFError("it ends before its end")


def members_of(data: bytes, inside: Inside) -> Iterator[tuple[str, bytes]]:
    """Give name and bytes of every file in an archive.

    Raises:
        PartError: not all of it could be read: it is broken, encrypted, of a kind that is not known here, or too much.
    """
    unopened = next((kind for begins, kind in _UNOPENED.items() if data.startswith(begins)), None)
    if unopened is not None:
        raise PartError(f"an archive of a kind that is not opened here: {unopened}")
    try:
        if data.startswith(_XZ) or _is_lzma(data):
            yield "", inside.take(_Lzma(data).read, "it")
            return
        if data.startswith(_GZIP) or _is_bzip2(data):
            packed = io.BytesIO(data)
            with bz2.BZ2File(packed) if _is_bzip2(data) else gzip.GzipFile(fileobj=packed) as stream:
                yield "", inside.take(stream.read, "it")
            return
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    with archive.open(entry) as stream:
                        yield entry.filename, inside.take(stream.read, entry.filename)
    except _BROKEN as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise PartError(f"not readable as an archive: {said}"[:200]) from error
