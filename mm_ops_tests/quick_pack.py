"""A pre-live pack whose steps are quick and real: each looks for secrets in a folder that holds one file."""

from pathlib import Path

from mm_ops.domain.prelive.policy import REQUIRED

_HEAD = "source: made up for a test\nsteps:\n"
_STEP = (
    "  - {{name: {}, command: [secrets, scan, empty], marker: SECRETS_SCAN=PASS, within: 60, source: made up here}}\n"
)


def write_quick_pack(root: Path, more: str = "") -> None:
    """Write the policy of a deployment: every step that must be there, and ``more``."""
    (root / "empty").mkdir(exist_ok=True)
    (root / "empty/file").write_text("nothing\n", encoding="utf-8")
    text = _HEAD + "".join(map(_STEP.format, REQUIRED)) + more
    (root / "deploy/policies/prelive.yaml").write_text(text, encoding="utf-8")
