"""Who may post: the bearer token of a file that can be changed while the watcher runs."""

import hmac
from dataclasses import dataclass
from pathlib import Path

LEAST_TOKEN = 16
"""Characters. Source: NIST SP 800-63B 5.1.1: a secret that cannot be guessed online has 64 bits, 16 as hexadecimal."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Compares what a request carries with the file, which is read each time: a few microseconds, and never stale."""

    file: Path

    @property
    def fault(self) -> str | None:
        """Why nobody is let in, if nobody is: the file is missing, unreadable or holds no usable token."""
        try:
            token = self._read()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "expected ASCII"
            return f"{self.file}: the token is not readable: {reason}"
        if len(token) < LEAST_TOKEN or not token.isprintable() or " " in token:
            return f"{self.file}: expected one token of at least {LEAST_TOKEN} characters, was {len(token)}"
        return None

    def admits(self, authorization: str | None) -> bool:
        """Whether the header is ``Bearer`` and the token; how far it is right takes no time to find out."""
        if self.fault is not None or authorization is None:
            return False
        scheme, _, token = authorization.partition(" ")
        same = hmac.compare_digest(token.strip().encode("utf-8", "surrogateescape"), self._read().encode())
        return scheme.lower() == "bearer" and same

    def _read(self) -> str:
        return self.file.read_text(encoding="ascii").strip()
