"""The renderings of deployments that have names in place of addresses: one ``names.yaml`` in the folder of each."""

from collections.abc import Mapping
from pathlib import Path

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.rendering.renaming import Renaming, rename

NAMES = "names.yaml"
FOLDERS = ("deploy/compose", "deploy/kubernetes")
ADDRESSES = "deploy/policies/alerting.yaml"
_HEADER = "# Rendered by `mm-ops render`: {of} with the names of {folder}/names.yaml. Change those, not this file.\n"


def render_deployments(root: Path, rendered: Mapping[str, str]) -> dict[str, str]:
    """Render the files of every deployment that has names, by their paths below the root.

    Args:
        root: the project.
        rendered: what is rendered already; other files are read.

    Raises:
        PolicyError: a ``names.yaml`` is impossible, or a file that it names is not there.
    """
    found = {}
    for folder in FOLDERS:
        if (root / folder / NAMES).is_file():
            renaming = read_policy(root / folder / NAMES, Renaming)
            texts = {file.of: rendered.get(file.of) or _read(root, file.of) for file in renaming.files}
            origin = {file.to: file.of for file in renaming.files}
            for name, text in rename(texts, renaming).items():
                found[f"{folder}/{name}"] = _HEADER.format(of=origin[name], folder=folder) + text
    return found


def deployment_of(policies: Path) -> str | None:
    """The folder of the deployment that this site is: its ``alerting.yaml`` was rendered there; none on one machine.

    Told by its first line and not by its bytes: an address of the cluster may be newer than the image.

    Raises:
        PolicyError: there is no such file, or it is no text.
    """
    first = _read(policies, "alerting.yaml").partition("\n")[0] + "\n"
    return next((one for one in FOLDERS if first == _HEADER.format(of=ADDRESSES, folder=one)), None)


def _read(root: Path, path: str) -> str:
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: named in {NAMES}: {getattr(error, 'strerror', None) or 'no text'}") from error
