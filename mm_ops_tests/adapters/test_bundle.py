"""A bundle: the same bytes everywhere, and no byte of it changed, added or taken away without being found."""

import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mm_ops.adapters.bundle import VERIFIER, verifier
from mm_ops.adapters.bundle_verify import NoBundleError, Verified, read_signers, verify
from mm_ops.adapters.signing import signer
from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.errors import PolicyError
from mm_ops_tests.bundles import ABOUT, pack, regular, seal, sealed_zip
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.signing_keys import make_key, public_key

FILES = {"b/two.json": b"{}\n", "a.md": b"# a\n" * 100, VERIFIER: verifier()}


WHOLE = pack(FILES)
with zipfile.ZipFile(io.BytesIO(WHOLE)) as opened:
    MEMBERS = {**FILES, "MANIFEST.json": opened.read("MANIFEST.json")}


def check(data: bytes, folder: Path, signers: Path | None = None) -> Verified:
    (folder / "paper.zip").write_bytes(data)
    return verify(folder / "paper.zip", read_signers(signers))


def test_every_member_comes_back_whole(tmp_path: Path):
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == MEMBERS
    found = check(WHOLE, tmp_path)
    assert (found.faults, found.signed, found.signer) == ((), False, None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle")


def is_found(data: bytes, folder: Path) -> bool:
    try:
        return bool(check(data, folder).faults)
    except NoBundleError:
        return True


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
@settings(deadline=None, max_examples=400)
def test_any_byte_that_is_changed_is_found(folder: Path, at: int, by: int):
    changed = bytearray(WHOLE)
    changed[at] ^= by
    assert is_found(bytes(changed), folder)


@pytest.mark.parametrize("by", [1, 0x80, 0xFF])
def test_every_single_byte_of_a_bundle_counts(folder: Path, by: int):
    small = pack({"a.md": b"# a\n" * 9, "b": b""})
    for at in range(len(small)):
        assert is_found(small[:at] + bytes([small[at] ^ by]) + small[at + 1 :], folder), at


@given(
    st.dictionaries(st.sampled_from(["a", "b/c", "d.json"]), st.binary(max_size=400), max_size=3),
    st.integers(0, 10**6),
    st.integers(1, 255),
)
@settings(deadline=None, max_examples=200)
def test_any_byte_of_any_bundle_that_is_changed_is_found(folder: Path, files: dict[str, bytes], at: int, by: int):
    changed = bytearray(pack(files))
    changed[at % len(changed)] ^= by
    assert is_found(bytes(changed), folder)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=40))
@settings(deadline=None, max_examples=100)
def test_bytes_put_in_or_taken_out_anywhere_are_found(folder: Path, at: int, more: bytes):
    assert is_found(WHOLE[:at] + more + WHOLE[at:], folder)
    assert is_found(WHOLE + more, folder)
    assert is_found(WHOLE[:at], folder)
    assert is_found(WHOLE[:at] + WHOLE[at + 1 :], folder)


def rebuilt(change: Callable[[zipfile.ZipFile], None], members: dict[str, bytes] | None = None) -> bytes:
    """A bundle that somebody who knows the seal made again, with a change."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (MEMBERS if members is None else members).items():
            archive.writestr(regular(name), data)
        change(archive)
    return seal(buffer.getvalue())


def nothing(_: zipfile.ZipFile) -> None:
    """No change."""


def without(name: str) -> dict[str, bytes]:
    return {key: data for key, data in MEMBERS.items() if key != name}


def claiming(path: str, size: int = 1) -> dict[str, bytes]:
    """A manifest that names a file of any path, which is there."""
    listed = [{"path": path, "size": size, "sha256": digest(b"x"), "description": ""}]
    return {"MANIFEST.json": encode({**ABOUT, "files": listed}), path: b"x"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def duplicated(archive: zipfile.ZipFile) -> None:
    archive.writestr(regular("a.md"), b"another")


TAMPERED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a file added": (
        lambda: rebuilt(lambda archive: archive.writestr(regular("c"), b"")),
        "c: is in the ZIP and not in",
    ),
    "a file removed": (lambda: rebuilt(nothing, without("a.md")), "a.md: is named in the manifest and not in the ZIP"),
    "a file renamed": (
        lambda: rebuilt(nothing, {**without("a.md"), "A.md": MEMBERS["a.md"]}),
        "A.md: is in the ZIP and not in the manifest",
    ),
    "a file changed": (
        lambda: rebuilt(nothing, {**MEMBERS, "a.md": b"# b\n" * 100}),
        "a.md: expected sha256:",
    ),
    "a file cut short": (lambda: rebuilt(nothing, {**MEMBERS, "a.md": b"# a\n"}), "a.md: expected 400 bytes, was 4"),
    "a file that goes on": (
        lambda: rebuilt(nothing, {**MEMBERS, "a.md": b"# a\n" * 101}),
        "a.md: expected 400 bytes, was more",
    ),
    "a file twice": (lambda: rebuilt(duplicated), "a.md: is in the ZIP more than once"),
    "a path upwards": (lambda: rebuilt(nothing, claiming("../x")), "../x: expected a path inside the bundle"),
    "an absolute path": (lambda: rebuilt(nothing, claiming("/etc/x")), "/etc/x: expected a path inside the bundle"),
    "a path of Windows": (lambda: rebuilt(nothing, claiming("C:x")), "C:x: expected a path inside the bundle"),
    "a symbolic link": (
        lambda: rebuilt(lambda archive: archive.writestr(regular("link", stat.S_IFLNK), "/etc/passwd")),
        "link: expected a regular file",
    ),
    "another way to compress": (
        lambda: rebuilt(lambda archive: archive.writestr(regular("x", how=zipfile.ZIP_BZIP2), b"x")),
        "x: expected it stored or deflated",
    ),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", TAMPERED)
def test_a_bundle_that_was_made_again_with_a_change_is_found_by_its_manifest(tmp_path: Path, name: str):
    build, words = TAMPERED[name]
    assert any(words in fault for fault in check(build(), tmp_path).faults)


def test_a_bomb_is_read_no_further_than_the_manifest_says(tmp_path: Path):
    bomb = rebuilt(nothing, {**MEMBERS, "a.md": b"\0" * 200_000_000})
    assert len(bomb) < 1_000_000
    assert "a.md: expected 400 bytes, was more" in check(bomb, tmp_path).faults


LISTED = {"path": "a", "size": 1, "sha256": digest(b"x"), "description": ""}
MISTYPED: dict[str, dict[str, Any]] = {
    "size, a text": {"files": [{**LISTED, "size": "1"}]},
    "size, less than nothing": {"files": [{**LISTED, "size": -1}]},
    "size, a truth": {"files": [{**LISTED, "size": True}]},
    "sha256": {"files": [{**LISTED, "sha256": 1}]},
    "description": {"files": [{**LISTED, "description": None}]},
    "bot": {"files": [LISTED], "bot": None},
    "missing": {"files": [LISTED], "missing": "an SBOM"},
}
NO_BUNDLE: dict[str, bytes] = {
    "nothing": b"",
    "no ZIP": b"x" * 100,
    "a ZIP without a seal": b"PK\x05\x06" + bytes(18),
    "a seal alone": seal(b""),
    "no manifest": sealed_zip(FILES),
    "a manifest that is no JSON": sealed_zip({"MANIFEST.json": b"{"}),
    "a manifest without files": sealed_zip({"MANIFEST.json": b"{}"}),
    "a manifest that names a file twice": sealed_zip(
        {"MANIFEST.json": encode({**ABOUT, "files": [{"path": "a", "size": 1, "sha256": "0", "description": ""}] * 2})}
    ),
    **{
        f"a manifest of another type: {field}": sealed_zip({"MANIFEST.json": encode({**ABOUT, **changed}), "a": b"x"})
        for field, changed in MISTYPED.items()
    },
}


@pytest.mark.parametrize("name", NO_BUNDLE)
def test_what_is_no_bundle_is_refused(tmp_path: Path, name: str):
    with pytest.raises(NoBundleError):
        check(NO_BUNDLE[name], tmp_path)


def test_the_program_inside_says_the_same_with_nothing_but_python(tmp_path: Path, keys: Path):
    (tmp_path / "paper.zip").write_bytes(WHOLE)
    (tmp_path / "signed.zip").write_bytes(signed(keys / "ours"))
    (tmp_path / "changed.zip").write_bytes(WHOLE[:500] + b"x" + WHOLE[501:])
    with zipfile.ZipFile(tmp_path / "paper.zip") as archive:
        archive.extract(VERIFIER, tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", VERIFIER, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={"PATH": ""})
        assert not done.stderr
        return done.returncode, done.stdout

    assert run("paper.zip") == (0, "UNSIGNED: nothing says who made it\n| bundle | OK | BUNDLE=OK |\n")
    code, said = run("changed.zip")
    assert (code, said.splitlines()[-1]) == (1, "| bundle | FAIL | BUNDLE=FAIL |")
    assert run(VERIFIER)[0] == 2
    code, said = run("signed.zip", "--signers", str(keys / "signers"))
    assert (code, said.splitlines()[0]) == (0, "signed by release@example.org"), "without ssh-keygen"
    assert run("paper.zip", "--signers", str(keys / "signers"))[0] == 1


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys, ``ours`` and ``theirs``, and a file that allows ours alone."""
    made = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        make_key(made / name)
    (made / "signers").write_text(f'release@example.org namespaces="mm_ops-bundle" {public_key(made / "ours")}\n')
    return made


def signed(key: Path | str, namespace: str = "mm_ops-bundle") -> bytes:
    return pack(FILES, signer(key, namespace))


@pytest.mark.parametrize("kept", ["file", "text"])
def test_a_signed_bundle_says_by_whom_and_is_the_same_every_time(tmp_path: Path, keys: Path, kept: str):
    key = keys / "ours" if kept == "file" else (keys / "ours").read_text().rstrip("\n")
    found = check(signed(key), tmp_path, keys / "signers")
    assert (found.faults, found.signed, found.signer) == ((), True, "release@example.org")
    assert signed(key) == signed(keys / "ours")


UNPROVEN: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "nobody": (lambda _: WHOLE, "signature: it is not signed"),
    "somebody else": (
        lambda keys: signed(keys / "theirs"),
        "signature: not by one of 1 allowed signers for mm_ops-bundle: by the key ssh-ed25519 ",
    ),
    "us, for something else": (
        lambda keys: signed(keys / "ours", "file"),
        "signature: not by one of 1 allowed signers for mm_ops-bundle: by the key ssh-ed25519 ",
    ),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_a_bundle_of_nobody_that_is_allowed_is_no_release(tmp_path: Path, keys: Path, name: str):
    build, words = UNPROVEN[name]
    found = check(build(keys), tmp_path, keys / "signers")
    assert found.signer is None
    assert [fault for fault in found.faults if fault.startswith(words)]


def test_a_signature_of_another_bundle_is_none(tmp_path: Path, keys: Path):
    other = pack(FILES, signer(keys / "ours", "mm_ops-bundle"), day="2026-11-21")
    signature = other[other.rindex(b"-----BEGIN") :]
    stolen = pack(FILES, lambda _: signature)
    assert check(stolen, tmp_path).faults == ()
    assert [
        fault for fault in check(stolen, tmp_path, keys / "signers").faults if fault.startswith("signature: not by")
    ]


def test_every_byte_of_a_seal_with_its_signature_counts(folder: Path, keys: Path):
    whole = signed(keys / "ours")
    for at in range(len(whole) - 700, len(whole)):
        assert is_found(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], folder), at


BAD_KEYS = {"no key": "nonsense", "a public one": "ssh-ed25519 AAAA x"}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_cannot_sign_is_refused_and_not_shown(name: str):
    require_binary("ssh-keygen")
    with pytest.raises(PolicyError, match="the key cannot sign: ") as refusal:
        signed(BAD_KEYS[name])
    assert BAD_KEYS[name] not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_missing_signers_are_told(tmp_path: Path, keys: Path):
    with pytest.raises(NoBundleError, match="none: the allowed signers cannot be read, so nobody can say"):
        check(signed(keys / "ours"), tmp_path, tmp_path / "none")


def test_the_manifest_is_what_was_packed(tmp_path: Path):
    assert check(WHOLE, tmp_path).manifest == json.loads(MEMBERS["MANIFEST.json"])
