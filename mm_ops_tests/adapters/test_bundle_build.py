"""Building a bundle: the same bytes everywhere, no file that changes meanwhile, and nothing half-written."""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.bundle import Member, build
from mm_ops.adapters.bundle_verify import verify
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError
from mm_ops_tests.bundles import describe, pack

FILES = {"b/two.json": b"{}\n", "a.md": b"# a\n" * 100, "empty": b"", "c/large": b"0123456789abcdef" * 200_000}


def laid_out(folder: Path, files: dict[str, bytes]) -> dict[str, bytes | Path]:
    """The same files on a disk."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return {name: folder / name for name in files}


BUILD = """
import sys
from pathlib import Path
from mm_ops_tests.bundles import pack
folder = Path(sys.argv[1])
names = sorted((str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()), key=hash)
sys.stdout.buffer.write(pack({name: folder / name for name in names}))
"""
PLACES: dict[str, tuple[dict[str, str], int, int]] = {
    "as it is": ({}, 0o022, 0),
    "another zone, locale and umask": ({"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"}, 0o077, 1),
    "files of 1994, another order and encoding": (
        {"PYTHONHASHSEED": "7", "LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        0o000,
        10**9,
    ),
    "files of 2057 and a zone behind": ({"TZ": "America/Los_Angeles", "PYTHONHASHSEED": "9"}, 0o027, -(10**9)),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_bytes_are_those_of_the_files_wherever_whenever_and_by_whomever_it_is_built(tmp_path: Path, name: str):
    variables, mask, ago = PLACES[name]
    folder = tmp_path / name.replace(" ", "/")
    for path in laid_out(folder, FILES).values():
        assert isinstance(path, Path)
        os.utime(path, (1_763_000_000 - ago, 1_763_000_000 - ago))
        path.chmod(0o600 if mask else 0o666)
    made = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        env={**os.environ, **variables},
        umask=mask,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert made.stdout == pack(FILES)


@given(st.dictionaries(st.text("abcxyz/_.", min_size=1, max_size=8), st.binary(max_size=3000), max_size=6))
@settings(deadline=None, max_examples=60)
def test_what_goes_in_comes_out_and_verifies(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]):
    named = {f"d/{number}": data for number, data in enumerate(files.values())}
    whole = tmp_path_factory.mktemp("one") / "x.zip"
    whole.write_bytes(pack(named))
    found = verify(whole)
    assert found.faults == ()
    assert {item["path"]: item["sha256"] for item in found.manifest["files"]} == {
        name: digest(data) for name, data in named.items()
    }
    assert pack(dict(reversed(named.items()))) == whole.read_bytes()


def test_what_was_built_is_what_is_told():
    stream = io.BytesIO()
    built = build(stream, {name: Member(data, name) for name, data in FILES.items()}, describe)
    data = stream.getvalue()
    assert (built.digest, built.size, built.signed) == (digest(data), len(data), False)
    assert [item.path for item in built.members] == sorted(FILES)


class Meddling(io.BytesIO):
    """A stream whose reader does something the first time that so many bytes have been written."""

    def __init__(self, after: int, deed: Callable[[], object]) -> None:
        super().__init__()
        self._after, self._deed = after, deed

    def write(self, data: "bytes | memoryview", /) -> int:  # type: ignore[override] # bytes are what comes
        done = super().write(data)
        if self._after >= 0 and self.tell() > self._after:
            self._after = -1
            self._deed()
        return done


def changed_in_place(path: Path) -> None:
    """The same size, and the time of the change put back."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(0)
        stream.write(b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


DEEDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed in its place": (changed_in_place, "changed while it was packed"),
    "made longer": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "changed while it was packed"),
    "cut short": (lambda path: os.truncate(path, 7), "changed while it was packed"),
    "replaced by the same": (replaced, "changed while it was packed"),
    "gone": (lambda path: path.unlink(), "cannot be read: No such file"),
}


@pytest.mark.parametrize("name", DEEDS)
@pytest.mark.parametrize("file", ["a.md", "c/large", "z"], ids=["after its turn", "in its turn", "before its turn"])
def test_a_file_that_changes_while_the_bundle_is_built_ends_it(tmp_path: Path, name: str, file: str):
    deed, words = DEEDS[name]
    noise = hashlib.shake_256(b"noise").digest(3_000_000)  # does not compress, so that bytes come out while it is read
    files = laid_out(tmp_path, {**FILES, "c/large": noise, "z": b"the last"})
    members = {
        path: Member(content, "", digest(b"the last") if path == "z" else None) for path, content in files.items()
    }
    stream = Meddling(500_000, lambda: deed(tmp_path / file))
    if name == "replaced by the same" and file == "z":
        build(stream, members, describe)  # the same bytes, before anybody read it
        return
    with pytest.raises((IntegrityError, MissingEvidenceError), match=f"{words}|altered since it was judged"):
        build(stream, members, describe)


def test_a_file_that_is_not_the_one_that_was_judged_is_not_packed(tmp_path: Path):
    files = laid_out(tmp_path, FILES)
    members = {name: Member(content, "", digest(FILES[name])) for name, content in files.items()}
    build(io.BytesIO(), members, describe)
    (tmp_path / "a.md").write_bytes(b"# b\n" * 100)
    with pytest.raises(IntegrityError, match=r"a\.md: altered since it was judged: expected sha256:.*, was sha256:"):
        build(io.BytesIO(), members, describe)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "not there": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path, name: str):
    NO_FILES[name](tmp_path / "x")
    with pytest.raises(MissingEvidenceError, match="x: the bundle needs it, and it"):
        pack({"x": tmp_path / "x"})


FULL = """
import resource, signal, sys
from pathlib import Path
from mm_ops.adapters.artifacts import Artifacts
from mm_ops_tests.bundles import describe
from mm_ops.adapters.bundle import Member, build
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
with Artifacts(sys.argv[1]).writing("paper.zip") as stream:
    build(stream, {"noise": Member(Path(sys.argv[3]), "")}, describe)
"""


@pytest.mark.parametrize("room", [0, 1, 4096, 1_500_000, 2_000_500])
def test_a_disk_that_is_full_leaves_the_bundle_that_was_there(tmp_path: Path, room: int):
    (tmp_path / "noise").write_bytes(hashlib.shake_256(b"noise").digest(2_000_000))
    root = tmp_path / "root"
    Artifacts(str(root)).put("paper.zip", b"the one before")
    arguments = [str(root), str(room), str(tmp_path / "noise")]
    done = subprocess.run([sys.executable, "-c", FULL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot be written: file too large: '{root}/paper.zip'" in done.stderr
    assert [path.name for path in root.iterdir()] == ["paper.zip"]
    assert (root / "paper.zip").read_bytes() == b"the one before"


LARGE = """
import resource, sys
from pathlib import Path
from mm_ops.adapters.bundle import Member, build
from mm_ops.adapters.bundle_verify import verify
from mm_ops_tests.bundles import describe
folder = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with (folder / "x.zip").open("wb") as stream:
    build(stream, {"one": Member(folder / "one", ""), "two": Member(folder / "two", "")}, describe)
assert not verify(folder / "x.zip").faults
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_file_of_any_size_is_packed_and_checked_in_the_same_memory(tmp_path: Path):
    for name in ("one", "two"):
        with (tmp_path / name).open("wb") as stream:
            for number in range(64):
                stream.write(hashlib.shake_256(bytes([number])).digest(1 << 20))
    done = subprocess.run([sys.executable, "-c", LARGE, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 24 * 1024, "KiB more than before, of files of 64 MiB"
