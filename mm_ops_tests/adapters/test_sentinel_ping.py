from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from mm_ops.adapters.sentinel_ping import ping
from mm_ops.domain.errors import PolicyError

WITHIN = timedelta(seconds=20)


def test_a_sign_of_life_is_one_request(httpserver: HTTPServer):
    httpserver.expect_oneshot_request("/ping/abc", method="GET").respond_with_data("OK")
    assert ping(lambda: httpserver.url_for("/ping/abc"), WITHIN) == ""
    httpserver.check()


def test_a_look_that_failed_says_so_outside(httpserver: HTTPServer):
    told = {"reason": "sentinel.yaml:3: tasks: the key stands twice"}
    httpserver.expect_oneshot_request("/ping/abc/fail", method="POST", json=told).respond_with_data("OK")
    assert ping(lambda: httpserver.url_for("/ping/abc"), WITHIN, failed=told["reason"]) == ""
    httpserver.check()


def test_a_request_that_is_not_taken_is_told_without_the_address(httpserver: HTTPServer):
    httpserver.expect_request("/ping/abc").respond_with_data("", status=404)
    said = ping(lambda: httpserver.url_for("/ping/abc"), WITHIN)
    assert said == "the outside heartbeat is not taken: answered 404"


def test_an_address_that_nobody_serves_is_told():
    said = ping(lambda: "http://127.0.0.1:1/ping/abc", WITHIN)
    assert said.startswith("the outside heartbeat is not taken: ")
    assert "abc" not in said


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://x/abc", "the address of the outside heartbeat is no http:// or https:// address"),
        ("", "no outside heart"),
    ],
)
def test_an_address_that_is_none_is_told(address: str, words: str):
    def kept() -> str:
        if not address:
            raise PolicyError("the environment variable X: expected an address in one word, was 0 words")
        return address

    assert ping(kept, WITHIN).startswith(words)
