import contextlib
import gc
import json
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mm_ops.adapters.prometheus import PrometheusSamples
from mm_ops.domain.errors import SourceUnavailableError
from mm_ops.domain.sli.series import SAMPLE_SCHEMA, Selector
from mm_ops.domain.windows import TimeWindow
from mm_ops_tests.dated_server import dated
from mm_ops_tests.soak_samples import END

DAY = TimeWindow.of_day(END)
HOUR = TimeWindow(DAY.start, DAY.start + timedelta(hours=1))
START_S = DAY.start_ns // 10**9
BOT = {"bot": "paper"}


def series(*pairs: tuple[float, str], metric: str = "m", **labels: str) -> dict[str, object]:
    return {"metric": {"__name__": metric, **labels}, "values": [list(pair) for pair in pairs]}


def matrix(*result: dict[str, object], **more: object) -> str:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


def sample(time: str) -> str:
    """An answer with one sample, whose time is this text."""
    return matrix(series((START_S, "1"))).replace(f"[{START_S}, ", f"[{time}, ")


def answering(server: HTTPServer, body: str | bytes, status: int = 200, kind: str = "application/json") -> str:
    server.expect_request("/api/v1/query", method="POST").respond_with_data(body, status, content_type=kind)
    return server.url_for("")


def source(url: str, seconds: float = 10, **options: Any) -> PrometheusSamples:
    return PrometheusSamples(url, BOT, timedelta(seconds=seconds), **options)


def refusal(url: str, seconds: float = 10, **options: Any) -> str:
    with pytest.raises(SourceUnavailableError) as refused:
        source(url, seconds, **options).read([Selector("m")], HOUR)
    text = str(refused.value)
    assert text.startswith(f"prometheus {url.rstrip('/')}: ")
    assert "\n" not in text
    return text


def test_samples_are_exact_to_the_millisecond_and_cut_to_the_half_open_window(httpserver: HTTPServer) -> None:
    body = matrix(
        series(
            (START_S - 0.001, "0"), (START_S, "1"), (START_S + 0.936, "2.5"), (START_S + 3600, "9"), bot="paper", a="é"
        )
    )
    found = source(answering(httpserver, body)).read([Selector("m")], HOUR)
    assert found.schema == SAMPLE_SCHEMA
    assert found.rows() == [
        (DAY.start_ns, "m", '{"a":"é","bot":"paper"}', 1.0),
        (DAY.start_ns + 936_000_000, "m", '{"a":"é","bot":"paper"}', 2.5),
    ]


def test_no_millisecond_is_lost_to_the_float_that_carries_it(httpserver: HTTPServer) -> None:
    body = matrix(series(*((round(START_S + n / 1000, 3), "1") for n in range(1000))))
    found = source(answering(httpserver, body)).read([Selector("m")], HOUR)
    assert found["ts_ns"].to_list() == [DAY.start_ns + n * 1_000_000 for n in range(1000)]


def test_values_may_be_nan_and_infinite(httpserver: HTTPServer) -> None:
    texts = ["NaN", "+Inf", "-Inf", "1e-05"]
    body = matrix(series(*((START_S + n, text) for n, text in enumerate(texts))))
    found = source(answering(httpserver, body)).read([Selector("m")], HOUR)["value"].to_list()
    assert [str(value) for value in found] == ["nan", "inf", "-inf", "1e-05"]


def test_six_hours_are_asked_at_a_time_by_post_with_a_longer_range_and_the_bot(httpserver: HTTPServer) -> None:
    url = answering(httpserver, matrix())
    window = TimeWindow(DAY.start, DAY.start + timedelta(hours=7))
    assert source(url).read_series([Selector("m", {"stage": "x"}), Selector("n")], window) == []
    asked = [parse_qs(request.get_data(as_text=True)) for request, _ in httpserver.log]
    assert [(one["query"][0], one["time"][0]) for one in asked] == [
        ('m{bot="paper",stage="x"}[6h1s]', f"{START_S + 21_600}.000"),
        ('n{bot="paper"}[6h1s]', f"{START_S + 21_600}.000"),
        ('m{bot="paper",stage="x"}[1h1s]', f"{START_S + 25_200}.000"),
        ('n{bot="paper"}[1h1s]', f"{START_S + 25_200}.000"),
    ]


def ranges(server: HTTPServer) -> list[str]:
    asked = [parse_qs(request.get_data(as_text=True)) for request, _ in server.log]
    return [one["query"][0].rpartition("[")[2].removesuffix("1s]") for one in asked]


def test_stretches_grow_to_a_day_while_few_samples_come(httpserver: HTTPServer) -> None:
    window = TimeWindow(DAY.start, DAY.start + timedelta(hours=70))
    source(answering(httpserver, matrix())).read_series([Selector("m")], window)
    assert ranges(httpserver) == ["6h", "12h", "24h", "24h", "4h"]


def test_stretches_do_not_grow_where_many_samples_come(httpserver: HTTPServer) -> None:
    """150,000 samples in the first six hours, one less in the next."""
    window = TimeWindow(DAY.start, DAY.start + timedelta(hours=24))
    for hours, count in ((0, 150_000), (6, 149_999), (12, 0)):
        start = START_S + hours * 3600
        body = matrix(series(*((round(start + n / 1000, 3), "1") for n in range(count))))
        httpserver.expect_ordered_request("/api/v1/query").respond_with_data(body)
    (found,) = source(httpserver.url_for("")).read_series([Selector("m")], window)
    assert ranges(httpserver) == ["6h", "6h", "12h"]
    assert found.values.size == 299_999


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("body", [matrix(), "cut"])
def test_the_garbage_collector_is_left_as_it_was(httpserver: HTTPServer, body: str, *, enabled: bool) -> None:
    url = answering(httpserver, body)
    (gc.enable if enabled else gc.disable)()
    try:
        with contextlib.suppress(SourceUnavailableError):
            source(url).read_series([Selector("m")], HOUR)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_the_stretches_of_a_series_are_joined_and_equal_times_are_held_once(httpserver: HTTPServer) -> None:
    """Each answer repeats a sample of the stretch before, as the server's closed range does."""
    six = 21_600
    first = [series((START_S, "1"), (START_S + six, "2"), le=bound) for bound in ("1", "2")]
    then = [series((START_S + six, "2"), (START_S + six + 1, "3"), le=bound) for bound in ("1", "2")]
    for answer in (first, then):
        httpserver.expect_ordered_request("/api/v1/query").respond_with_data(matrix(*answer))
    window = TimeWindow(DAY.start, DAY.start + timedelta(hours=7))
    found = source(httpserver.url_for("")).read_series([Selector("m")], window)
    assert [(one.metric, one.labels, one.values.tolist()) for one in found] == [
        ("m", {"le": "1"}, [1.0, 2.0, 3.0]),
        ("m", {"le": "2"}, [1.0, 2.0, 3.0]),
    ]
    assert found[0].ts_ns.tolist() == [DAY.start_ns + n * 10**9 for n in (0, six, six + 1)]
    assert found[0].ts_ns is found[1].ts_ns


def test_an_answer_whose_times_do_not_increase_is_refused(httpserver: HTTPServer) -> None:
    body = matrix(series((START_S + 1, "1"), (START_S, "2"), bot="paper"))
    assert f'm{{"bot":"paper"}}: expected times that increase, was {DAY.start_ns} ns' in refusal(
        answering(httpserver, body)
    )


def test_series_are_sorted_and_one_that_two_selectors_want_comes_once(httpserver: HTTPServer) -> None:
    body = matrix(series((START_S, "1"), a="2"), series((START_S, "2"), a="1"), series((START_S, "3"), metric="l"))
    found = source(answering(httpserver, body)).read([Selector("m"), Selector("m", {"a": "1"})], HOUR)
    assert found["value"].to_list() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        pytest.param(
            "<html>Welcome</html>",
            200,
            "text/html",
            "status 200, text/html, not whole JSON; is this the address of a Prometheus?",
            id="HTML",
        ),
        pytest.param(
            '{"status":"error","errorType":"bad_data","error":"parse error\\nat char 3"}',
            400,
            "application/json",
            "status 400: bad_data: parse error at char 3",
            id="bad data",
        ),
        pytest.param(
            '{"status":"error","errorType":"execution","error":"query processing would load too many samples"}',
            422,
            "application/json",
            "status 422: execution: query processing would load too many samples",
            id="422",
        ),
        pytest.param("[]", 200, "application/json", "an answer without status success", id="other JSON"),
        pytest.param(
            '{"status":"error"}', 500, "application/json", "status 500: an answer without status", id="no words"
        ),
        pytest.param(
            matrix(warnings=["one store did not answer"]),
            200,
            "application/json",
            'a partial answer, with warnings: ["one store did not answer"]',
            id="warnings",
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"vector","result":[]}}',
            200,
            "application/json",
            "an answer without a matrix of samples",
            id="a vector",
        ),
        pytest.param('{"status":"success"}', 200, "application/json", "without a matrix", id="no data"),
        pytest.param(
            '{"status":"success","data":{"resultType":"matrix","result":null}}',
            200,
            "",
            "a matrix whose result is no list but NoneType",
            id="a null result",
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"matrix"}}', 200, "", "result is no list", id="no result"
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"matrix","result":{}}}', 200, "", "is no list", id="an object"
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"matrix","result":[null]}}',
            200,
            "",
            "a series that is none",
            id="a null series",
        ),
        pytest.param(sample("1e300"), 200, "", "a sample of a time that is not from 1970 to 2261", id="a huge time"),
        pytest.param(sample("1e308"), 200, "", "that is not from 1970 to 2261", id="a time beyond a float's range"),
        pytest.param(sample("-1"), 200, "", "that is not from 1970 to 2261", id="a time before 1970"),
        pytest.param(sample("9214646400"), 200, "", "that is not from 1970 to 2261", id="the first time after 2261"),
        pytest.param(sample("NaN"), 200, "", "a sample without a time", id="a time that is not a number"),
        pytest.param(sample("Infinity"), 200, "", "that is not from 1970 to 2261", id="an infinite time"),
        pytest.param(sample("1" + "0" * 400), 200, "", "a series that is none", id="a time of 401 digits"),
        pytest.param(
            matrix({"metric": {"__name__": 5}, "values": [[START_S, "1"]]}), 200, "", "without a name", id="no name"
        ),
        pytest.param(
            matrix({"metric": {"__name__": "m", "a": 5}, "values": [[START_S, "1"]]}), 200, "", "m", id="no label"
        ),
        pytest.param(
            matrix({"metric": {"__name__": "m"}, "histograms": []}), 200, "", "a series that is none", id="native"
        ),
        pytest.param(matrix(series((START_S, "one"))), 200, "", "a series that is none", id="no number"),
        pytest.param(
            matrix({"metric": {"__name__": "m"}, "values": [[START_S, None]]}),
            200,
            "",
            "without a time or a value",
            id="null",
        ),
        pytest.param(
            matrix({"metric": {"__name__": "m"}, "values": [[None, "1"]]}),
            200,
            "",
            "without a time or a value",
            id="no time",
        ),
        pytest.param(
            matrix({"metric": {"__name__": "m"}, "values": [[START_S, 1]]}),
            200,
            "",
            "a series that is none",
            id="bare number",
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"mat', 200, "application/json", "not whole JSON", id="cut JSON"
        ),
    ],
)
def test_an_answer_that_is_none_is_refused(
    httpserver: HTTPServer, body: str, status: int, kind: str, words: str
) -> None:
    assert words in refusal(answering(httpserver, body, status, kind))
    assert len(httpserver.log) == 1


def test_a_redirect_is_refused_and_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v1/query").respond_with_data("", 302, {"Location": httpserver.url_for("/other")})
    httpserver.expect_request("/other").respond_with_data(matrix())
    assert "status 302, a redirect; name the address that it leads to" in refusal(httpserver.url_for(""))
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_overloaded_server_is_tried_again(httpserver: HTTPServer, status: int) -> None:
    for _ in range(2):
        httpserver.expect_ordered_request("/api/v1/query").respond_with_data("wait", status, {"Retry-After": "3600"})
    httpserver.expect_ordered_request("/api/v1/query").respond_with_data(matrix(series((START_S, "1"))))
    assert source(httpserver.url_for("")).read([Selector("m")], HOUR).height == 1


def test_a_server_that_stays_overloaded_is_given_up(httpserver: HTTPServer) -> None:
    assert "status 503: try later" in refusal(answering(httpserver, "try\nlater", 503))
    assert len(httpserver.log) == 4


def test_a_server_that_is_not_there_is_refused_and_the_reason_says_what_to_look_at() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert refusal(url) == (
        f"prometheus {url}: connection refused; is Prometheus running there, and is this its address?"
    )


def test_a_host_that_nobody_knows_is_refused() -> None:
    assert "no host of that name is known; is this the address" in refusal("http://prometheus.invalid:9090", 30)


def test_a_name_in_the_address_is_not_shown() -> None:
    with pytest.raises(SourceUnavailableError) as refused:
        source("http://name:word@127.0.0.1:9", 1).read([Selector("m")], HOUR)
    assert "word" not in str(refused.value).split(": ", 1)[0]


def test_a_server_that_thinks_too_long_is_refused(httpserver: HTTPServer) -> None:
    held = threading.Event()

    def wait(_: Request) -> Response:
        held.wait(5)
        return Response(matrix())

    httpserver.expect_request("/api/v1/query").respond_with_handler(wait)
    assert "no whole answer within 300ms; raise the timeout (bots.yaml, or --timeout), or ask for less" in refusal(
        httpserver.url_for(""), 0.3
    )
    held.set()


def test_a_server_that_drips_is_refused_though_each_piece_comes_in_time(httpserver: HTTPServer) -> None:
    held = threading.Event()

    def drip() -> Iterator[bytes]:
        while not held.wait(0.05):
            yield b" "

    httpserver.expect_request("/api/v1/query").respond_with_handler(lambda _: Response(drip()))
    assert "no whole answer within 500ms" in refusal(httpserver.url_for(""), 0.5)
    held.set()


def test_a_body_that_ends_early_is_refused(httpserver: HTTPServer) -> None:
    whole = matrix(series((START_S, "1")))

    def cut(_: Request) -> Response:
        response = Response(whole[:40], content_type="application/json")
        response.headers["Content-Length"] = str(len(whole))
        return response

    httpserver.expect_request("/api/v1/query").respond_with_handler(cut)
    assert "no whole answer" in refusal(httpserver.url_for(""), 3)


def test_an_answer_that_is_too_large_is_refused(httpserver: HTTPServer) -> None:
    url = answering(httpserver, matrix(series(*((START_S + n, "1") for n in range(100)))))
    assert "an answer of more than 1000 bytes; is the selector too wide?" in refusal(url, max_answer_bytes=1000)


ONE = matrix(series((START_S, "1")))
LATER = DAY.end
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def at(moment: datetime) -> dict[str, Any]:
    return {"now": lambda: moment}


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (6 * SECOND, "6 s ahead of ours (2026-11-21T00:00:06Z there,"),
        (-6 * SECOND, "6 s behind ours (2026-11-20T23:59:54Z there,"),
        (timedelta(days=1), "86400 s ahead of ours (2026-11-22T00:00:00Z there,"),
    ],
)
def test_a_server_whose_clock_is_not_ours_is_refused_with_both_times(skew: timedelta, words: str) -> None:
    with dated(ONE, LATER + skew) as (url, _):
        assert refusal(url, **at(LATER)) == (
            f"prometheus {url}: its clock is {words} 2026-11-21T00:00:00Z here), at most 5 s are tolerated; "
            "set both by NTP, and ask again"
        )


@pytest.mark.parametrize("skew", [-5, 0, 5])
def test_clocks_that_are_as_far_apart_as_is_tolerated_are_not_refused(skew: int) -> None:
    with dated(ONE, LATER + skew * SECOND) as (url, _):
        assert source(url, **at(LATER)).read([Selector("m")], HOUR).height == 1


def test_a_slow_answer_is_no_skew() -> None:
    """Asked at midnight, there half a minute later: the server's time lies between the two."""
    ours = iter([LATER, LATER + 30 * SECOND])
    with dated(ONE, LATER + 12 * SECOND) as (url, _):
        assert source(url, now=lambda: next(ours)).read([Selector("m")], HOUR).height == 1


def test_without_a_clock_of_ours_the_server_s_is_not_compared() -> None:
    with dated(ONE, LATER + timedelta(days=400)) as (url, _):
        assert source(url).read([Selector("m")], HOUR).height == 1


@pytest.mark.parametrize("options", [{}, at(HOUR.end)], ids=["no clock of ours", "our clock says the same"])
def test_a_window_that_has_not_ended_by_the_server_s_clock_is_refused(options: dict[str, Any]) -> None:
    with dated(ONE, HOUR.end) as (url, _):
        assert refusal(url, **options).endswith(
            "the window up to 2026-11-20T01:00:00Z has not ended by the server's clock (2026-11-20T01:00:00Z), or less "
            "than 60 s ago; ask again later"
        )


def test_a_window_is_read_from_a_minute_after_its_end_on() -> None:
    with dated(ONE, HOUR.end + MINUTE - SECOND) as (url, _):
        assert "has not ended by the server's clock" in refusal(url)
    with dated(ONE, HOUR.end + MINUTE) as (url, _):
        assert source(url).read([Selector("m")], HOUR).height == 1


def test_a_long_window_that_has_not_ended_is_refused_by_its_first_answer() -> None:
    with dated(ONE, DAY.start + timedelta(hours=20)) as (url, asked):
        with pytest.raises(SourceUnavailableError, match="the window up to 2026-11-21T00:00:00Z has not ended"):
            source(url).read([Selector("m")], DAY)
        assert asked == ['m{bot="paper"}[6h1s]']


@pytest.mark.parametrize("date", ["soon", "Sat, 21 Nov 2026 00:00:00 GMT, Sun, 22 Nov 2026 00:00:00 GMT", "1795219200"])
def test_a_date_that_is_none_is_refused(date: str) -> None:
    with dated(ONE, date) as (url, _):
        expected = f"Date: expected a time such as Sat, 21 Nov 2026 00:01:00 GMT, was '{date[:40]}'"
        assert expected in refusal(url)


def test_a_server_without_a_date_is_read_once_the_window_has_ended_by_our_clock() -> None:
    with dated(ONE, None) as (url, _):
        assert source(url).read([Selector("m")], HOUR).height == 1
        assert source(url, **at(HOUR.end + MINUTE)).read([Selector("m")], HOUR).height == 1
        early = refusal(url, **at(HOUR.end))
    assert "has not ended by our clock; the server sent no Date (2026-11-20T01:00:00Z)" in early
