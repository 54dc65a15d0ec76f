"""Patterns whose time is bounded by their own text: refused otherwise, since Python cannot interrupt a match."""

import re

_ESCAPED = re.compile(r"\\.")
_CLASS = re.compile(r"\[\^?\]?[^\]]{0,200}\]")
_UNBOUNDED = re.compile(r"[*+]|\{\d{0,6},\}")
_REPEATED_GROUP = re.compile(r"\)\{")
_BACK_REFERENCE = re.compile(r"\\[1-9]|\(\?P=")
_PLAIN = "x"

ASSIGNED = (
    r"(?i:key|secret|token|pass(?:phrase|word|wd)?|pwd)(?i:_?(?:id|value|hex|b64|base64)|_?[0-9]{1,3}|s)?"
    r"[\\\"'`\]]{0,4}[ \t]{0,8}"
    r"(?:=>|:=|:[ \t]{0,4}(?:[>|][-+]?)?[ \t]{0,4}\r?\n|[:= >|]|(?<=[\"'`]),|(?i:value)[ \t]{0,2}=)"
    r"[ \t]{0,20}[\\\"'`(]{0,4}"
)
"""What stands before a value that is given to a name: ``api_key: "``, ``KEY=``, ``"secret": "``, ``--token ``.

Also ``<apiKey>``, ``name="secret" value="``, a cell of a table, and in YAML the line below.
"""
_ENDS = r"(?![A-Za-z0-9])"
_BEGINS = r"(?<![A-Za-z0-9])"


def find_unbounded(pattern: str) -> str | None:
    """Say why the time of a pattern has no bound of its own; ``None`` where it has one.

    Refused are ``*``, ``+``, ``{n,}``, a repeated group (two nested repeats can take exponential time) and a reference
    back. What is left takes, on a piece of fixed size, a time that the pattern's own numbers bound.
    """
    if _BACK_REFERENCE.search(pattern):
        return "refers back to a group"
    bare = _CLASS.sub(_PLAIN, _ESCAPED.sub(_PLAIN, pattern))
    if _UNBOUNDED.search(bare):
        return "repeats without a bound: write {n,m}"
    if _REPEATED_GROUP.search(bare):
        return "repeats a group"
    return None


def compile_secret(pattern: str, *, assigned: bool) -> re.Pattern[bytes]:
    """Compile a rule's pattern; the secret is the group ``secret`` of what matches.

    Args:
        pattern: of the secret, or with a group ``secret`` in it of what stands around it too.
        assigned: the secret must be given to a name such as ``api_key``.

    Raises:
        re.error: it is no pattern.
    """
    re.compile(pattern)  # by itself first: an open class would end in what is put around it
    whole = pattern if "(?P<secret>" in pattern else f"{'' if assigned else _BEGINS}(?P<secret>{pattern}){_ENDS}"
    return re.compile((ASSIGNED + whole if assigned else whole).encode())
