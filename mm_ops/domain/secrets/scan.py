"""Finds secrets in bytes: a literal first, since that is fast, and the rule's pattern only around it."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mm_ops.domain.secrets.literals import Literals
from mm_ops.domain.secrets.patterns import compile_secret
from mm_ops.domain.secrets.policy import Rule, SecretsPolicy
from mm_ops.domain.secrets.views import View, views_of

PIECE = 65_536
"""Bytes that one pattern is tried on at once; between two pieces the time is looked at."""
LONGEST = 1024
"""Bytes that a match may go on beyond its piece."""
_HAS = {
    "upper": re.compile(rb"[A-Z]").search,
    "lower": re.compile(rb"[a-z]").search,
    "digit": re.compile(rb"[0-9]").search,
}
_SALT = b"mm_ops secrets"


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret that was found: its rule, its line, how it was read, its length, and by what it is known.

    The secret itself is not in it. ``fingerprint`` is 64 bits of scrypt, so that guessing a short one from it is slow.
    """

    rule: str
    line: int
    via: str
    length: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found, and why it is not all there is; ``None`` where it went through to the end."""

    hits: tuple[Hit, ...]
    unfinished: str | None = None


class _OverError(Exception):
    """The time is over, or there is more than anybody reads; says which."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


class Scanner:
    """The rules of a policy, ready to be used on any number of files."""

    def __init__(self, policy: SecretsPolicy) -> None:
        self._bounds = policy.bounds
        self._rules = [_compiled(rule) for rule in policy.rules]
        self._literals = Literals({literal for item in self._rules for literal in item.literals})
        self._placeholders = [word.lower().encode() for word in policy.placeholders]

    def scan(self, data: bytes, is_over: Callable[[], bool], called: str = "") -> Found:
        """Find every secret in bytes, each once, by the first rule that knows it.

        Args:
            data: of a file or a part of one, of any kind.
            is_over: whether the time for it is over; asked often.
            called: the file's name, which counts as standing before its first byte: ``kraken.key`` holds two lines and
                no name.
        """
        known: dict[bytes, Hit] = {}
        unfinished = self._find(data, known, is_over, called)
        return Found(tuple(known.values()), unfinished)

    def redact(self, name: str) -> tuple[str, tuple[Hit, ...]]:
        """A name in which the rule stands for each secret, and those secrets; a name is told, and so would they be."""
        known: dict[bytes, Hit] = {}
        self._find(name.encode(), known, lambda: False)
        for secret, hit in known.items():
            told = f"<{hit.rule}>"
            plain = secret.decode("utf-8", "replace")
            name = name.replace(plain, told) if plain in name else told  # it was decoded, and so would be again
        return name, tuple(replace(hit, via="in the name") for hit in known.values())

    def _find(self, data: bytes, known: dict[bytes, Hit], is_over: Callable[[], bool], called: str = "") -> str | None:
        """Add to ``known``, and say why that is not all there is."""

        def check() -> None:
            if is_over():
                raise _OverError("the time for it was over")

        try:
            near = self._literals.find(called.lower().encode(), check)
            for view in views_of(data, self._bounds.max_depth):
                self._look(view, known, check, near)
        except _OverError as over:
            return str(over)
        return None

    def _look(self, view: View, known: dict[bytes, Hit], check: Callable[[], None], near: Collection[bytes]) -> None:
        places = self._literals.find(view.data.lower(), check)
        places |= {literal: [0, *places.get(literal, ())] for literal in near}
        for item in self._rules:
            for offset, secret in _secrets(item, view.data, places, check):
                if self._is_one(item.rule, secret) and not any(secret in other for other in known):
                    known[secret] = Hit(item.rule.name, view.line(offset), view.via, len(secret), fingerprint(secret))
                    if len(known) >= self._bounds.max_findings:
                        raise _OverError(f"{len(known)} were found and the rest was not looked at")

    def _is_one(self, rule: Rule, secret: bytes) -> bool:
        low = secret.lower()
        return (
            all(_HAS[kind](secret) for kind in rule.needs)
            and (rule.min_entropy == 0 or entropy(secret) >= rule.min_entropy)
            and not any(word in low for word in self._placeholders)
        )


def _compiled(rule: Rule) -> _Compiled:
    literals = tuple(literal.encode() for literal in rule.literals)
    return _Compiled(rule, literals, compile_secret(rule.pattern, assigned=rule.assigned))


def entropy(data: bytes) -> float:
    """Shannon's entropy in bits a character: 0 of one character over and over, 4 of many hexadecimal digits."""
    counts = Counter(data).values()
    return -math.fsum(count / len(data) * math.log2(count / len(data)) for count in counts)


def fingerprint(secret: bytes) -> str:
    """64 bits, in hexadecimal, that tell a secret again and do not tell it."""
    return hashlib.scrypt(secret, salt=_SALT, n=4096, r=8, p=1, dklen=8).hex()


def _secrets(
    item: _Compiled, data: bytes, places: Mapping[bytes, Sequence[int]], check: Callable[[], None]
) -> Iterator[tuple[int, bytes]]:
    """What matches a rule within reach of one of its literals, and where."""
    for literal in item.literals:
        for begin, end in _around(places.get(literal, ()), len(literal), item.rule.reach):
            for match in _matches(item.pattern, data, begin, min(end, len(data)), check):
                yield match.start("secret"), match["secret"]


def _around(places: Sequence[int], length: int, reach: int) -> Iterator[tuple[int, int]]:
    """The stretches within reach of a literal, each byte in one of them at most."""
    begin, end = 0, -1
    for at in places:
        if at - reach > end:
            if end >= 0:
                yield begin, end
            begin = max(0, at - reach)
        end = at + length + reach
    if end >= 0:
        yield begin, end


def _matches(
    pattern: re.Pattern[bytes], data: bytes, begin: int, end: int, check: Callable[[], None]
) -> Iterator[re.Match[bytes]]:
    """Every match that begins in a stretch, piece by piece; it may end in what follows."""
    for start in range(begin, end, PIECE):
        check()
        stop = min(start + PIECE, end)
        for match in pattern.finditer(data, start, stop + LONGEST):
            if match.start() >= stop:
                break
            yield match
