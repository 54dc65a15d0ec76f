"""Reads raw samples from a Prometheus server, 2.x or 3.x; an answer that is not whole is refused.

An instant query with a range selector gives the raw samples: no 11,000 point limit, no filling of holes. The range
is asked a second longer than needed, because 2.x includes both ends and 3.x leaves the start out, and then cut to
the half-open window.
"""

import http.client
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import requests
from urllib3.exceptions import HTTPError

from mm_ops.adapters.prometheus_answer import error_of, one_line, parse_answer, read_series, why_no_answer
from mm_ops.adapters.server_clock import SETTLED, Stamp, find_clock_fault
from mm_ops.domain.errors import SchemaError, SourceUnavailableError
from mm_ops.domain.sli.series import Selector, Series, join_series
from mm_ops.domain.sli.series_table import SeriesTable, Times, Values
from mm_ops.domain.windows import DAY, TimeWindow, format_duration

_AHEAD = 2
"""Answers that are asked for beyond the one that is parsed: one is being made, one may be here."""

_CHUNK = 65_536
_NS_PER_MS = 1_000_000
_LONGER = timedelta(seconds=1)
_AT_FIRST = timedelta(hours=6)
_FEW = 150_000
"""Fewer samples of all series in one stretch, and the next is twice as long: parsed, a sample takes 160 bytes."""
_RETRIED = frozenset({502, 503, 504})
_PAUSES_S = (0.2, 0.4, 0.8)
MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Refuse more in one answer; a day of 20 series at 15 s is 3 MB."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    kind: str
    body: bytes
    made: Stamp


class _AgainError(Exception):
    """An attempt failed in a way that another may not."""


_Ask = Callable[[str, float], Future[_Answer]]
"""Put a query and its time into the queue of those that are asked."""


class PrometheusSamples:
    """A ``SampleSource`` over a server.

    Args:
        url: such as ``http://127.0.0.1:9090``.
        matchers: labels that every series must have as well, such as ``bot="paper"``.
        timeout: for a whole ``read``, retries included. Sockets only know a limit for each piece: a body that
            stalls for good is given up after at most twice this time.
        max_answer_bytes: refuse a larger answer.
        now: our clock, with which the server's is compared; ``None`` compares nothing.
        settled: how long a window must be over before it is read.
    """

    def __init__(
        self,
        url: str,
        matchers: Mapping[str, str],
        timeout: timedelta,
        *,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        now: Callable[[], datetime] | None = None,
        settled: timedelta = SETTLED,
    ) -> None:
        self._url = url.rstrip("/")
        self._matchers = dict(matchers)
        self._timeout = timeout
        self._max_bytes = max_answer_bytes
        self._settled = settled
        self._now: Callable[[], datetime | None] = now or (lambda: None)

    def read_series(self, selectors: Sequence[Selector], window: TimeWindow) -> list[Series]:
        """Read the selected series in the window, some hours at a time, so that no answer is large.

        Raises:
            SourceUnavailableError: the server did not answer in time, or not with all of the samples; the window has
                not ended by its clock, or that clock is not ours.
        """
        deadline = time.monotonic() + self._timeout.total_seconds()
        table = SeriesTable()
        start, length = window.start, _AT_FIRST
        with requests.Session() as session, _one_worker() as worker:

            def ask(query: str, at: float) -> Future[_Answer]:
                return worker.submit(self._ask, session, deadline, query, at)

            while start < window.end:
                chunk = TimeWindow(start, min(start + length, window.end))
                samples = self._add(table, self._chunk(ask, selectors, chunk, window.end))
                start, length = chunk.end, min(2 * length, DAY) if samples < _FEW else length
        return table.finish()

    def _add(self, table: SeriesTable, found: dict[tuple[str, str], tuple[Times, Values]]) -> int:
        """Add what one stretch gave; gives back how many samples that was."""
        for (metric, labels), (ts_ns, values) in found.items():
            try:
                table.add(metric, labels, ts_ns, values)
            except SchemaError as error:
                raise self._refusal(str(error)) from error
        return sum(values.size for _, values in found.values())

    def read(self, selectors: Sequence[Selector], window: TimeWindow) -> pl.DataFrame:
        """Read the same as one frame.

        Raises:
            MmOpsError: as :meth:`read_series`.
        """
        return join_series(self.read_series(selectors, window))

    def _chunk(
        self, ask: _Ask, selectors: Sequence[Selector], chunk: TimeWindow, end: datetime
    ) -> dict[tuple[str, str], tuple[Times, Values]]:
        """Read one stretch; a series that two selectors want is kept once.

        While one answer is parsed here, the server makes the next: half of the time is its own.
        """
        found: dict[tuple[str, str], tuple[Times, Values]] = {}
        length, at = format_duration(chunk.duration + _LONGER), -(-chunk.end_ns // _NS_PER_MS) / 1000
        queries = (f"{selector.promql(self._matchers)}[{length}]" for selector in selectors)
        waiting = deque(ask(query, at) for query in itertools.islice(queries, _AHEAD))
        while waiting:
            answer = waiting.popleft().result()
            waiting.extend(ask(query, at) for query in itertools.islice(queries, 1))
            for series in self._samples(answer, end):
                found |= self._rows(series, chunk)
        return found

    def _ask(self, session: requests.Session, deadline: float, query: str, at: float) -> _Answer:
        """Ask until an answer is there: a bad gateway, an overloaded server or a lost connection is tried again.

        Not by urllib3's ``Retry``: it neither knows a deadline nor stops a server from asking for an hour's pause.
        """
        pauses = iter(_PAUSES_S)
        while True:
            try:
                return self._attempt(session, query, at, deadline)
            except _AgainError as error:
                pause = next(pauses, None)
                if pause is None or time.monotonic() + pause >= deadline:
                    raise self._refusal(str(error)) from error
                time.sleep(pause)

    def _attempt(self, session: requests.Session, query: str, at: float, deadline: float) -> _Answer:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise self._too_slow()
        sent = self._now()
        try:
            with session.post(
                f"{self._url}/api/v1/query",
                data={"query": query, "time": f"{at:.3f}", "timeout": f"{remaining:.3f}"},
                headers={"Accept-Encoding": "identity"},
                timeout=remaining,
                stream=True,
                allow_redirects=False,
            ) as response:
                made = Stamp(response.headers.get("Date"), sent, self._now())
                body = self._body(response, deadline)
                if response.status_code in _RETRIED:
                    raise _AgainError(f"status {response.status_code}: {one_line(body.decode(errors='replace'))}")
                return _Answer(response.status_code, response.headers.get("Content-Type", ""), body, made)
        except requests.Timeout as error:
            raise self._too_slow() from error
        except (requests.RequestException, HTTPError, http.client.HTTPException, OSError) as error:
            raise _AgainError(why_no_answer(error)) from error

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """Read piece by piece, since a timeout of requests is for each piece and not for the whole."""
        pieces, size = [], 0
        while piece := response.raw.read1(_CHUNK):
            size += len(piece)
            if size > self._max_bytes:
                raise self._refusal(f"an answer of more than {self._max_bytes} bytes; is the selector too wide?")
            if time.monotonic() > deadline:
                raise self._too_slow()
            pieces.append(piece)
        return b"".join(pieces)

    def _samples(self, answer: _Answer, end: datetime) -> list[Any]:
        if 300 <= answer.status < 400:  # noqa: PLR2004 - the redirects
            raise self._refusal(f"status {answer.status}, a redirect; name the address that it leads to")
        try:
            found = parse_answer(answer.body)
        except ValueError as error:
            what = f"status {answer.status}, {answer.kind or 'no content type'}, not whole JSON"
            raise self._refusal(f"{what}; is this the address of a Prometheus?") from error
        if not isinstance(found, dict) or found.get("status") != "success":
            raise self._refusal(f"status {answer.status}: {error_of(found)}")
        if found.get("warnings"):
            raise self._refusal(f"a partial answer, with warnings: {one_line(json.dumps(found['warnings']))}")
        fault = find_clock_fault(answer.made, end, self._settled)
        if fault:
            raise self._refusal(fault)
        return self._result(found)

    def _result(self, found: dict[str, Any]) -> list[Any]:
        data = found.get("data")
        if not isinstance(data, dict) or data.get("resultType") != "matrix":
            raise self._refusal("an answer without a matrix of samples")
        result = data.get("result")
        if not isinstance(result, list):
            raise self._refusal(f"a matrix whose result is no list but {type(result).__name__}")
        return result

    def _rows(self, series: Any, chunk: TimeWindow) -> dict[tuple[str, str], tuple[Times, Values]]:
        try:
            key, ts_ns, values = read_series(series)
        except ValueError as error:
            raise self._refusal(f"a series that is none: {one_line(str(error))}") from error
        inside = (ts_ns >= chunk.start_ns) & (ts_ns < chunk.end_ns)
        return {key: (ts_ns[inside], values[inside])} if inside.any() else {}

    def _too_slow(self) -> SourceUnavailableError:
        limit = format_duration(self._timeout)
        return self._refusal(
            f"no whole answer within {limit}; raise the timeout (bots.yaml, or --timeout), or ask for less"
        )

    def _refusal(self, reason: str) -> SourceUnavailableError:
        """Name the server without the credentials that its address may hold."""
        parts = urlsplit(self._url)
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return SourceUnavailableError(f"prometheus {shown}: {reason}")


@contextmanager
def _one_worker() -> Iterator[ThreadPoolExecutor]:
    """One thread that asks; after a refusal nothing that still waits is asked."""
    worker = ThreadPoolExecutor(max_workers=1)
    try:
        yield worker
    finally:
        worker.shutdown(cancel_futures=True)
