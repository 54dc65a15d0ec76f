"""Signatures of OpenSSH, checked without it: by the vectors of RFC 8032, and against ssh-keygen itself."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from mm_ops.adapters.signatures import find_signer, is_signed_by, key_of, verify_ed25519
from mm_ops.adapters.signing import signer
from mm_ops.domain.errors import PolicyError
from mm_ops_tests.requirements import require_binary
from mm_ops_tests.signing_keys import make_key, public_key

WORDS = b"HOLD may be passed over\n"
FOR = "mm_ops-test"
# RFC 8032, section 7.1: public key, message, signature
VECTORS = {
    "TEST 1, nothing": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "TEST 2, one byte": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "TEST 3, two bytes": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_rfc_are_valid_and_no_byte_of_them_may_change(name: str):
    public, message, signature = (bytes.fromhex(part) for part in VECTORS[name])
    assert verify_ed25519(public, message, signature)
    assert not verify_ed25519(public, message + b"x", signature)
    for at in range(64):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not verify_ed25519(public, message, changed)
    for at in range(32):
        assert not verify_ed25519(public[:at] + bytes([public[at] ^ 1]) + public[at + 1 :], message, signature)


ORDER = 2**252 + 27742317777372353535851937790883648493


def test_a_second_form_of_the_same_signature_is_none():
    """``s`` plus the order gives the same point: a verifier that takes both lets signatures be made of others."""
    public, message, signature = (bytes.fromhex(part) for part in VECTORS["TEST 2, one byte"])
    more = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify_ed25519(public, message, signature[:32] + more.to_bytes(32, "little"))


BAD_POINTS = {
    "y beyond the field": (2**255 - 1).to_bytes(32, "little"),
    "no point of the curve": (2).to_bytes(32, "little"),
    "minus zero": (1 | 1 << 255).to_bytes(32, "little"),
    "short": b"1",
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_what_is_no_public_key_verifies_nothing(name: str):
    assert not verify_ed25519(BAD_POINTS[name], b"", bytes.fromhex(VECTORS["TEST 1, nothing"][2]))
    assert not verify_ed25519(bytes.fromhex(VECTORS["TEST 1, nothing"][0]), b"", b"short")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        make_key(folder / name)
    make_key(folder / "rsa", "rsa")
    return folder


def signed(key: Path, message: bytes = WORDS, namespace: str = FOR) -> bytes:
    return signer(key, namespace)(message)


def test_what_a_key_signed_is_its_and_nobody_elses(keys: Path):
    ours, signature = public_key(keys / "ours"), signed(keys / "ours").decode()
    assert key_of(signature) == ours
    assert is_signed_by(ours, FOR, WORDS, signature)
    assert not is_signed_by(public_key(keys / "theirs"), FOR, WORDS, signature)
    assert not is_signed_by(ours, FOR, WORDS + b" ", signature)
    assert not is_signed_by(ours, "mm_ops-other", WORDS, signature)


def openssh_says(folder: Path, message: bytes, signature: bytes, signers: Path) -> bool:
    (folder / "sig").write_bytes(signature)
    ask = [require_binary("ssh-keygen"), "-Y", "verify", "-f", str(signers), "-I", "us", "-n", FOR]
    return (
        subprocess.run([*ask, "-s", "sig"], cwd=folder, input=message, capture_output=True, check=False).returncode == 0
    )


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from(["no", "message", "signature"]))
@settings(deadline=None, max_examples=25)
def test_openssh_agrees_and_takes_nothing_less(keys: Path, message: bytes, at: int, change: str):
    signers = keys / "signers"
    signers.write_text(f"us {public_key(keys / 'ours')}\n")
    signature, seen = signed(keys / "ours", message), message
    if change == "message":
        seen = message + b"x"
    if change == "signature":
        blob = bytearray(base64.b64decode(b"".join(signature.splitlines()[1:-1])))
        blob[at % len(blob)] ^= 1
        lines = [b"-----BEGIN SSH SIGNATURE-----", base64.b64encode(blob), b"-----END SSH SIGNATURE-----\n"]
        signature = b"\n".join(lines)
    ours = find_signer(seen, signature, signers.read_text(), FOR)[0] == "us"
    assert ours is (change == "no")
    theirs = openssh_says(keys, seen, signature, signers)
    assert theirs is ours or change == "signature", "OpenSSH also takes an older number of the form"
    assert theirs or not ours


ALLOWED: dict[str, tuple[Callable[[str, str], str], str | None]] = {
    "our key": (lambda us, _: f"us {us}", "us"),
    "our key behind another": (lambda us, them: f"# who\n\nthem {them}\nus {us} a comment", "us"),
    "our key for this": (lambda us, _: f'us namespaces="file,{FOR}" {us}', "us"),
    "a name in quotes": (lambda us, _: f'"a b" namespaces={FOR} {us}', "a b"),
    "our key for something else": (lambda us, _: f'us namespaces="file" {us}', None),
    "our key with an option that is not known": (lambda us, _: f'us valid-before="20200101" {us}', None),
    "our key in a comment": (lambda us, _: f"# us {us}", None),
    "another key": (lambda _, them: f"us {them}", None),
    "no key": (lambda _, __: "us ssh-ed25519 AAAA", None),
    "nothing": (lambda _, __: "", None),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_line_of_the_file_allows_what_it_says_and_no_more(keys: Path, name: str):
    write, expected = ALLOWED[name]
    text = write(public_key(keys / "ours"), public_key(keys / "theirs"))
    found, why = find_signer(WORDS, signed(keys / "ours"), text, FOR)
    assert found == expected
    assert (why is None) is (expected is not None)
    assert why is None or f"by the key {public_key(keys / 'ours')}" in why


NO_SIGNATURES = {
    "none at all": b"",
    "no armour": b"AAAA",
    "nothing in it": b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
    "no text": b"-----BEGIN SSH SIGNATURE-----\n\xff\n-----END SSH SIGNATURE-----\n",
}


@pytest.mark.parametrize("name", NO_SIGNATURES)
def test_what_is_no_signature_is_nobodys(keys: Path, name: str):
    found, why = find_signer(WORDS, NO_SIGNATURES[name], f"us {public_key(keys / 'ours')}", FOR)
    assert found is None
    assert why is not None
    assert key_of(NO_SIGNATURES[name].decode("latin-1")) is None


def test_a_key_of_another_kind_signs_for_nobody(keys: Path):
    signature = signed(keys / "rsa")
    assert key_of(signature.decode()) is None
    assert find_signer(WORDS, signature, f"us {public_key(keys / 'rsa')}", FOR)[0] is None


def test_a_file_that_is_no_key_is_refused_and_not_shown(tmp_path: Path):
    require_binary("ssh-keygen")
    (tmp_path / "x").write_text("nonsense")
    with pytest.raises(PolicyError, match="the key cannot sign: ") as refusal:
        signed(tmp_path / "x")
    assert "nonsense" not in str(refusal.value)
