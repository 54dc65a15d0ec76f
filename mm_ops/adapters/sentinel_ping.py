"""Shows somebody outside that the sentinel lives: a request to an address that a service such as Healthchecks gives.

When the requests stop, that service tells people: it is the only part that a dead machine cannot take with it.
"""

from collections.abc import Callable
from datetime import timedelta

from mm_ops.adapters.bot_http import NoAnswerError, exchange
from mm_ops.domain.errors import MmOpsError

_FAIL = "/fail"


def ping(address: Callable[[], str], within: timedelta, *, failed: str = "") -> str:
    """Ask for the address, or for ``…/fail`` with the reason when the look itself has failed.

    Says in one line what went wrong, without the address, which is a secret; empty when it was taken.
    """
    try:
        url = address()
        if not url.startswith(("http://", "https://")):
            return "the address of the outside heartbeat is no http:// or https:// address"
        body = {"reason": failed} if failed else None
        where = f"{url.rstrip('/')}{_FAIL}" if failed else url
        method = "POST" if failed else "GET"
        answer = exchange(method, where, within_s=within.total_seconds(), headers={}, body=body)
    except MmOpsError as error:
        return f"no outside heartbeat: {error}"
    except NoAnswerError as error:
        return f"the outside heartbeat is not taken: {error}"
    taken = answer.status // 100 == 2  # noqa: PLR2004 - HTTP's own number
    return "" if taken else f"the outside heartbeat is not taken: answered {answer.status}"
