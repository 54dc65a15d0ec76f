"""Measures the scan on secrets: 20 MB of this project's own text, and 20 MB of numbers as a report holds them."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.secrets.policy import SecretsPolicy
from mm_ops.domain.secrets.scan import Scanner

PROJECT = Path(__file__).resolve().parents[1]
SIZE = 20_000_000
REPEATS = 3


def measure_secrets() -> Iterator[tuple[str, str, str]]:
    """Yield what was measured, on one core: name, value, the target of the issue."""
    scanner = Scanner(read_policy(PROJECT / "deploy/policies/secrets.yaml", SecretsPolicy))
    for name, data in (("this project's own text", _own_text()), ("a report of numbers", _numbers())):
        best = min(_seconds(scanner, data) for _ in range(REPEATS))
        yield (
            f"scan {len(data) / 1e6:.0f} MB for secrets: {name}",
            f"{len(data) / 1e6 / best:.0f} MB/s of CPU",
            ">= 20 MB/s",
        )


def _seconds(scanner: Scanner, data: bytes) -> float:
    start = time.process_time()
    found = scanner.scan(data, lambda: False)
    seconds = time.process_time() - start
    if found.unfinished:
        raise SystemExit(f"bench: the scan was not finished: {found.unfinished}")
    return seconds


def _own_text() -> bytes:
    paths = sorted(path for folder in ("mm_ops", "mm_ops_tests", "deploy") for path in (PROJECT / folder).rglob("*"))
    texts = [path.read_bytes() for path in paths if path.suffix in {".py", ".md", ".yaml", ".yml", ".json"}]
    whole = b"\n".join(texts)
    return (whole * (SIZE // len(whole) + 1))[:SIZE]


def _numbers() -> bytes:
    rng = random.Random(7)  # noqa: S311 - the same numbers each time
    rows = [{"t": 1e9 + n, "digest": f"sha256:{rng.getrandbits(256):064x}", "v": rng.random()} for n in range(200_000)]
    return json.dumps(rows, indent=1).encode()[:SIZE]


if __name__ == "__main__":
    for row in measure_secrets():
        print(*row, sep=" | ")
