r"""The texts that bytes can be read as: as they are, without NULs (UTF-16), unescaped, and out of base64 and hex.

A view keeps the line of the file that each of its places comes from. Decoding never makes more bytes than it was given,
so the work of all views of a depth is bounded by the size of the first.
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

SHORTEST = 24
"""Characters of base64 or hex that are looked into: 18 or 12 bytes, the shortest key that any exchange gives."""
AROUND = 512
"""Bytes on either side of an escape that are read with it, as far as any rule reaches."""
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
_TABLE = np.isin(np.arange(256, dtype=np.uint8), np.frombuffer(_ALPHABET, np.uint8))
_BLOCK = 8
_FULL = np.uint64(0x0101010101010101)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"[0-9A-Fa-f]{24,}")
_ESCAPE = re.compile(rb"\\\\{0,3}(?:u00([2-7][0-9A-Fa-f])|x([2-7][0-9A-Fa-f])|(/))|%(2[BbFf]|3[Dd])")
_LAST_LINE = re.compile(rb"(?:\r?\n|(?:\\r)?\\n)([A-Za-z0-9+/_-]{2,23})(?![A-Za-z0-9+/_-])")
_NEW_LINES = frozenset({b"\n", b"\r\n", b"\\n", b"\\r\\n"})


@dataclass(frozen=True, slots=True)
class View:
    """One text; ``via`` says how it was got, and ``starts`` with ``lines`` from which line on each part of it comes."""

    data: bytes
    via: str = ""
    starts: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()

    def line(self, offset: int) -> int:
        """The line of the file, from 1, that a place comes from."""
        if self.starts:
            at = bisect_right(self.starts, offset) - 1
            return self.lines[at] + self.data.count(b"\n", self.starts[at], offset)
        return self.data.count(b"\n", 0, offset) + 1


def views_of(data: bytes, depth: int) -> Iterator[View]:
    """Give every view of bytes, the plainest first.

    Args:
        data: of a file, or of a part of one.
        depth: how often decoded text is decoded again.
    """
    yield from _views(View(data), depth)
    if b"\0" in data:
        yield from _views(View(data.replace(b"\0", b""), "without NULs"), depth)


def _views(view: View, depth: int) -> Iterator[View]:
    yield view
    for read in (_unescaped, _decoded):
        other = read(view) if depth > 0 else None
        if other is not None:
            yield from _views(other, depth - 1)


@dataclass(slots=True)
class _Parts:
    """Puts a view together from parts of another, and keeps the line of each."""

    view: View
    texts: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    _size: int = 0
    _counted: int = 0
    _line: int = 1

    def add(self, text: bytes, begin: int, *, joined: bool = False) -> None:
        """Add what was read at a place, on a line of its own unless it is joined to the part before."""
        if not joined:
            self.texts.append(b"\n")
            self._size += 1
        self.starts.append(self._size)
        self.lines.append(self._line_at(begin))
        self.texts.append(text)
        self._size += len(text)

    def built(self, how: str) -> View | None:
        """The view; ``None`` without a part."""
        via = f"{self.view.via}, {how}" if self.view.via else how
        return View(b"".join(self.texts), via, tuple(self.starts), tuple(self.lines)) if self.texts else None

    def _line_at(self, begin: int) -> int:
        if self.view.starts:
            return self.view.line(begin)
        self._line += self.view.data.count(b"\n", self._counted, begin)
        self._counted = begin
        return self._line


def _unescaped(view: View) -> View | None:
    """What stands around escapes, with letters in place of them."""
    data, parts, begin, end = view.data, _Parts(view), 0, -1
    for match in _ESCAPE.finditer(data):
        if match.start() - AROUND > end:
            if end >= 0:
                parts.add(_ESCAPE.sub(_unescape, data[begin:end]), begin)
            begin = max(0, match.start() - AROUND)
        end = match.end() + AROUND
    if end >= 0:
        parts.add(_ESCAPE.sub(_unescape, data[begin:end]), begin)
    return parts.built("unescaped")


def _unescape(match: re.Match[bytes]) -> bytes:
    return match[3] or bytes([int(match[1] or match[2] or match[4], 16)])


def _decoded(view: View) -> View | None:
    """Everything that can be read out of base64 or hex, one part after the other."""
    parts, ended = _Parts(view), 0
    for begin, end in _runs(view.data):
        text = _decode(view.data[begin:end])
        if text is not None:
            parts.add(text, begin, joined=view.data[ended:begin] in _NEW_LINES)
            ended = end
            last = _LAST_LINE.match(view.data, end)
            if last is not None:
                parts.add(_decode(last[1]) or b"", last.start(1), joined=True)
    return parts.built("decoded")


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Where runs of the alphabet of base64 begin and end, of those that are long enough.

    Such a run fills at least two neighbouring blocks of eight, and blocks are compared as one number each.
    """
    inside = _TABLE[np.frombuffer(data + bytes(_BLOCK - len(data) % _BLOCK), np.uint8)]
    full = inside.view(np.uint64) == _FULL
    places = np.flatnonzero(full[:-1] & full[1:])
    breaks = np.flatnonzero(np.diff(places) > 1)
    firsts = places[np.concatenate((np.zeros(min(1, places.size), np.intp), breaks + 1))].tolist()
    lasts = places[np.concatenate((breaks, np.full(min(1, places.size), places.size - 1)))].tolist()
    for first, last in zip(firsts, lasts, strict=True):
        begin, end = first * _BLOCK, (last + 2) * _BLOCK
        while begin > 0 and inside[begin - 1]:
            begin -= 1
        while inside[end]:
            end += 1
        if end - begin >= SHORTEST:
            yield begin, end


def _decode(run: bytes) -> bytes | None:
    """The text in a run; ``None`` where there is none. It may begin within a run, as after a word and a slash."""
    if _HEX.fullmatch(run):
        text = _text(binascii.unhexlify(run[: len(run) // 2 * 2]))
        if text is not None:
            return text
    if run.islower() or run.isupper():  # text in base64 has both, since a letter of three stands for its high bits
        return None
    plain = run.translate(_URL_SAFE)
    for skipped in range(4):
        whole = (len(plain) - skipped) // 4 * 4
        rest = plain[skipped + whole :]
        ending = rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
        text = _text(base64.b64decode(plain[skipped : skipped + whole] + ending))
        if text is not None:
            return text
    return None


def _text(data: bytes) -> bytes | None:
    """Bytes that are text: UTF-8, or UTF-16 of which half is NUL; anything else is chance."""
    bare = data.replace(b"\0", b"")
    try:
        bare.decode()
    except UnicodeDecodeError:
        return None
    return bare or None
