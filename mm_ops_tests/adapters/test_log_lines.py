import json
import logging
from collections.abc import Iterator

import pytest

from mm_ops.adapters.log_lines import known, use_format, write


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:]
    yield
    root.handlers = before
    use_format(as_json=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_for_people_it_is_the_words_alone(capsys: pytest.CaptureFixture[str]):
    use_format(as_json=False)
    with known(bot="mm1"):
        write("watch: 100 % done")
    assert capsys.readouterr().err == "watch: 100 % done\n"


def test_for_machines_it_is_one_object_a_line_with_what_is_known(capsys: pytest.CaptureFixture[str]):
    use_format(as_json=True)
    with known(bot="mm1", episode=""), known(run="r"):
        write("two\nlines", logging.ERROR)
    write("é")
    first, second = lines(capsys)
    assert (first.pop("at")[-6:], second.pop("at")[-6:]) == ("+00:00", "+00:00")
    assert first == {"level": "error", "logger": "mm_ops", "message": "two\nlines", "bot": "mm1", "run": "r"}
    assert second == {"level": "info", "logger": "mm_ops", "message": "é"}


def test_what_is_known_ends_with_its_block_however_that_ends(capsys: pytest.CaptureFixture[str]):
    use_format(as_json=True)
    with pytest.raises(ValueError, match="x"), known(bot="mm1"):
        raise ValueError("x")
    write("after")
    assert "bot" not in lines(capsys)[0]


def test_a_library_that_complains_is_a_line_of_the_same_form(capsys: pytest.CaptureFixture[str]):
    use_format(as_json=True)
    broken = RuntimeError("broken")
    logging.getLogger("uvicorn.error").error("it broke", exc_info=(RuntimeError, broken, None))
    (line,) = lines(capsys)
    assert (line["logger"], line["message"]) == ("uvicorn.error", "it broke")
    assert line["traceback"].endswith("RuntimeError: broken")
