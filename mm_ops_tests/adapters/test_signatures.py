import base64
import subprocess
from pathlib import Path

import pytest

from mm_ops.adapters.signatures import sign, verify
from mm_ops.domain.errors import MissingEvidenceError, PolicyError
from mm_ops_tests.signing_keys import make_key, public_key

WORDS = b"HOLD may be passed over\n"


def test_what_a_key_signed_is_its_and_nobody_elses(tmp_path: Path):
    ours, others = make_key(tmp_path / "a.pem"), make_key(tmp_path / "b.pem")
    key, signature = sign(ours, WORDS)
    assert key == public_key(ours)
    assert verify(key, WORDS, signature)
    assert not verify(public_key(others), WORDS, signature)
    assert not verify(key, WORDS + b" ", signature)


def test_openssl_agrees(tmp_path: Path):
    path = make_key(tmp_path / "a.pem")
    (tmp_path / "words").write_bytes(WORDS)
    (tmp_path / "signature").write_bytes(base64.b64decode(sign(path, WORDS)[1]))
    check = ["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", str(path), "-sigfile", str(tmp_path / "signature")]
    shown = subprocess.run([*check, "-in", str(tmp_path / "words")], capture_output=True, text=True, check=True)
    assert "Verified Successfully" in shown.stdout


@pytest.mark.parametrize(
    ("key", "signature"),
    [("", "AAAA"), ("not base64", "AAAA"), (base64.b64encode(b"short").decode(), "AAAA"), ("A" * 43 + "=", "!")],
)
def test_what_is_no_key_or_no_signature_verifies_nothing(key: str, signature: str):
    assert verify(key, WORDS, signature) is False


def test_a_file_that_is_no_such_key_is_refused_by_name(tmp_path: Path):
    (tmp_path / "x.pem").write_text("secret")
    with pytest.raises(PolicyError, match=r"x.pem: expected a private key in PEM without a passphrase"):
        sign(tmp_path / "x.pem", WORDS)
    with pytest.raises(PolicyError, match=r"y.pem: expected an Ed25519 key .*, was another kind"):
        sign(make_key(tmp_path / "y.pem", "x25519"), WORDS)
    with pytest.raises(MissingEvidenceError, match="no such file"):
        sign(tmp_path / "z.pem", WORDS)
