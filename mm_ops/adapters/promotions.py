"""Which version is live and which one to go back to, read where promotions are written down; no Dagster is needed."""

from mm_ops.adapters.artifacts import local_path
from mm_ops.adapters.evidence import PROMOTIONS
from mm_ops.adapters.json_files import read_json
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.release.promotion import go_back_words, read_standing


def go_back_of(artifacts: str, bot: str) -> str:
    """Say it in words, for whoever must act; empty where nothing was ever promoted, and behind a URL.

    A machine without the evidence, such as a watcher's own, does not know, and says that.

    Args:
        artifacts: the artifacts root, a folder or a URL.
        bot: whose it is.
    """
    root = local_path(artifacts)
    if root is None or not bot:
        return ""
    path = root / bot / PROMOTIONS
    if not path.is_file():
        return "" if root.is_dir() else f"which version to go back to is not known here: there is no {root}"
    try:
        return go_back_words(read_standing(read_json(path)))
    except MmOpsError as error:
        return f"which version to go back to is not known: {error}"
