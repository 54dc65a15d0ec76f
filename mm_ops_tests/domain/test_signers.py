from datetime import timedelta

import pytest
from pydantic import ValidationError

from mm_ops.domain.signers import BUNDLE, OVERRIDE, Signer, SignersPolicy, allowed_signers
from mm_ops_tests.builders import WORDS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
ADA = Signer(name="ada", person="Ada Example", public_key=KEY, signs=("bundle", "override"), source=WORDS)


def policy(*signers: Signer) -> SignersPolicy:
    return SignersPolicy(max_override=timedelta(1), signers=signers, source=WORDS)


def test_the_file_for_openssh_names_each_key_and_what_it_is_for():
    assert allowed_signers(policy()) == ""
    assert allowed_signers(policy(ADA)) == f'ada namespaces="{BUNDLE},{OVERRIDE}" {KEY}\n'


def test_signers_stand_once_each_and_overrides_do_not_hold_for_no_time():
    with pytest.raises(ValidationError, match="signers: expected every name once"):
        policy(ADA, ADA)
    with pytest.raises(ValidationError, match="max_override: expected more than 0 s"):
        SignersPolicy(max_override=timedelta(0), signers=(), source=WORDS)


@pytest.mark.parametrize("key", ["", KEY + "=", KEY.replace("ed25519", "rsa"), KEY + "\nother", KEY + " ada"])
def test_only_the_two_words_of_an_ed25519_key_are_a_key(key: str):
    with pytest.raises(ValidationError, match="public_key"):
        Signer(name="ada", person="Ada Example", public_key=key, signs=("bundle",), source=WORDS)
