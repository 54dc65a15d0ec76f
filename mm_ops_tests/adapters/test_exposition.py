import math

import pytest

from mm_ops.adapters.exposition import Sample, parse_exposition
from mm_ops.domain.errors import SchemaError

TEXT = r"""# HELP a_total Says "something".
# TYPE a_total counter
a_total 3
a_total{x="1",y="two words"} 4.5e3 1795564800000

b{le="+Inf"} +Inf
b{path="C:\\n\"}\n",} NaN
c { x = "1" } -0.5
"""


def test_every_sample_is_read_with_its_labels_unescaped():
    found = parse_exposition(TEXT, "scrape")
    assert found[:3] == [
        Sample("a_total", {}, 3.0),
        Sample("a_total", {"x": "1", "y": "two words"}, 4500.0),
        Sample("b", {"le": "+Inf"}, math.inf),
    ]
    assert found[3].labels == {"path": 'C:\\n"}\n'}
    assert math.isnan(found[3].value)
    assert found[4] == Sample("c", {"x": "1"}, -0.5)


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "1a 3",
        "a three",
        'a{x="1} 3',
        "a{x=1} 3",
        'a{x="1" y="2"} 3',
        r'a{x="\q"} 3',
        "a 3 4 5",
        "<html>",
        "a{} x3",
    ],
)
def test_a_line_that_is_no_sample_is_refused_with_its_number(line: str):
    with pytest.raises(SchemaError, match=r"^scrape:2: expected "):
        parse_exposition(f"b 1\n{line}\n", "scrape")


def test_a_series_that_is_there_twice_is_refused():
    with pytest.raises(SchemaError, match=r"^scrape:2: the series a\{y=\"2\",x=\"1\"\} is there twice"):
        parse_exposition('a{x="1",y="2"} 1\na{y="2",x="1"} 1', "scrape")
