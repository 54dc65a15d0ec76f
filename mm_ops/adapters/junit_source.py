"""Gets the JUnit XML of a day's test run, from a path or from a URL."""

from datetime import date
from pathlib import Path
from typing import Any

from mm_ops.adapters.bot_http import NoAnswerError, exchange, shown
from mm_ops.adapters.bot_state import read_token
from mm_ops.adapters.result_files import MAX_JUNIT_BYTES, count_junit, read_junit
from mm_ops.domain.errors import MissingEvidenceError, SourceUnavailableError

_WITHIN_S = 60.0
_OK, _SERVER_FAULT = 200, 500


def read_test_run(at: str, day: date, *, root: Path, token_file: Path | None = None) -> dict[str, Any]:
    """Count the cases of a run: :func:`mm_ops.adapters.result_files.read_junit`.

    Args:
        at: a path, relative to ``root`` or absolute, or an ``http(s)`` URL.
        day: the UTC day of the run.
        root: the project.
        token_file: holds the bearer token that the URL asks for.

    Raises:
        MissingEvidenceError: nothing is there.
        SourceUnavailableError: the server does not answer, or says that it cannot.
        IntegrityError, SchemaError: as for ``read_junit``.
    """
    if not at.startswith(("http://", "https://")):
        return read_junit(root / at, day)
    return {**count_junit(_fetch(at, token_file), shown(at), day), "read_from": shown(at)}


def _fetch(url: str, token_file: Path | None) -> bytes:
    token = read_token(token_file)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        answer = exchange("GET", url, within_s=_WITHIN_S, headers=headers, most=MAX_JUNIT_BYTES)
    except NoAnswerError as error:
        raise SourceUnavailableError(f"{shown(url)}: {error}") from error
    if answer.status == _OK:
        return answer.body
    said = f"{shown(url)}: expected JUnit XML with status 200, was {answer.words()}"
    raise SourceUnavailableError(said) if answer.status >= _SERVER_FAULT else MissingEvidenceError(said)
