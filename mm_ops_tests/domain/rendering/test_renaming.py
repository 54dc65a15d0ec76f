import pytest

from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.renaming import Renamed, Renaming, Replaced, rename


def renaming(**names: str) -> Renaming:
    return Renaming(
        files=(Renamed(of="deploy/a.yaml", to="a.yaml"), Renamed(of="deploy/b.yaml", to="sub/b.yaml")),
        names=tuple(Replaced(this=this, by=by) for this, by in names.items()),
        source="made up for a test",
    )


def test_every_file_has_the_names_and_nothing_else_is_changed():
    texts = {"deploy/a.yaml": "x: here:1\ny: 10\n", "deploy/b.yaml": "z: [here:1, else:2]\n"}
    found = rename(texts, renaming(**{"here:1": "there:1"}))
    assert found == {"a.yaml": "x: there:1\ny: 10\n", "sub/b.yaml": "z: [there:1, else:2]\n"}


def test_a_name_that_stands_in_no_file_is_refused_since_an_address_would_stay():
    with pytest.raises(PolicyError, match=r"^names.yaml: gone:1: expected in one of the files, was in none$"):
        rename({"deploy/a.yaml": "here:1", "deploy/b.yaml": ""}, renaming(**{"here:1": "there:1", "gone:1": "x:12"}))
