"""What ``make bench`` measures of the golden comparison: two nested documents of 10 MB, 350,000 numbers."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any

from mm_ops.adapters.json_files import parse_json
from mm_ops.domain.comparison import Tolerance, compare

DEEPDIFF_S = 28.5  # with the same tolerance on such files, measured once: it is no dependency for the sake of a number
REPEATS = 3


def measure_golden() -> Iterator[tuple[str, str, str]]:
    """Compare a document with one that differs by rounding and in four places; CPU, the best of three."""
    one = _document(random.Random(7))  # noqa: S311 - data, not a secret
    other = _shifted(one)
    other["k0"]["rows"][0]["notional"] += 1.0
    other["k1"]["rows"][1]["net_edge_bps"] = "1.0"
    del other["k2"]["rows"][2]["markouts_by_horizon"]
    other["k3"]["rows"].append({})
    texts = [json.dumps(value).encode() for value in (one, other)]
    parsing, walking = [], []
    for _ in range(REPEATS):
        start = time.process_time()
        both = [parse_json(text, "bench") for text in texts]
        parsed = time.process_time()
        found = compare(*both, Tolerance(1e-9, 1e-9))
        walking.append(time.process_time() - parsed)
        parsing.append(parsed - start)
    best, ratio = min(walking), min(walking) / min(parsing)
    what = f"{best:.2f} s of CPU, {DEEPDIFF_S / best:.0f} x, {len(found)} found"
    yield f"golden compare, {len(texts[0]) / 1e6:.1f} MB, 350,000 numbers", what, ">= 60 x deepdiff"
    yield "  beside parsing both files", f"{ratio:.2f} x ({min(parsing):.2f} s)", "<= 3 x"


def _document(drawn: random.Random) -> dict[str, Any]:
    def row() -> dict[str, Any]:
        markouts = [drawn.random() * 1e9 for _ in range(5)]
        return {"notional": drawn.random() * 1e6, "net_edge_bps": drawn.gauss(0, 1e-3), "markouts_by_horizon": markouts}

    return {f"k{n}": {"rows": [row() for _ in range(100)]} for n in range(500)}


def _shifted(value: Any) -> Any:
    match value:
        case dict():
            return {key: _shifted(item) for key, item in value.items()}
        case list():
            return [_shifted(item) for item in value]
        case _:
            return value * (1 + 1e-12)
