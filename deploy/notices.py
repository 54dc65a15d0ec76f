"""Writes ``deploy/THIRD_PARTY.md``: every package that mm_ops runs on, with its licence, from the installed metadata.

Run it after the lock has changed; ``--check`` writes nothing and exits 1 where the page is another.
"""

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parent / "THIRD_PARTY.md"
PROJECT = PAGE.parent.parent
HEAD = """# Third-party notices

mm_ops is licensed under the Apache License 2.0 (`LICENSE`) and holds no source of others. It runs on these packages,
installed from a registry at the versions of `requirements.lock`, each with its own licence text in its `dist-info`.
Written by `python deploy/notices.py` from the metadata of what is installed with every extra.

| package | version | licence |
| --- | --- | --- |
"""
_SHORT = 60


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[Distribution]:
    """A package and all that it needs here, each at least once; what this platform does not need is left out."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    try:
        found = distribution(name)
    except PackageNotFoundError:
        sys.exit(f"deploy/notices.py: {name} is not installed: make setup")
    yield found
    for text in found.requires or []:
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            yield from needed(canonicalize_name(one.name), frozenset(one.extras), seen)


def licence(found: Distribution) -> str:
    """What the package says of itself: an SPDX expression, a short text, or its classifiers."""
    about = found.metadata
    stated = about.get("License-Expression") or about.get("License") or ""
    classes = [one.rsplit(" :: ", 1)[-1] for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    texts = (found.read_text(f"licenses/{name}") for name in ("LICENSE", "LICENSE.txt", "LICENSE.md"))
    head = next((text.strip().split("\n")[0].strip() for text in texts if text and text.strip()), "")
    short = stated if 0 < len(stated) <= _SHORT and "\n" not in stated else ""
    return short or ", ".join(classes) or head or "see its dist-info"


def page() -> str:
    """The whole page."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    seen: set[tuple[str, frozenset[str]]] = set()
    asked = [Requirement(text) for text in stated]
    found = [two for one in asked for two in needed(canonicalize_name(one.name), frozenset(one.extras), seen)]
    every = {canonicalize_name(one.name): one for one in found}
    rows = (f"| {name} | {one.version} | {licence(one).replace('|', '/')} |\n" for name, one in sorted(every.items()))
    return HEAD + "".join(rows)


if __name__ == "__main__":
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("deploy/THIRD_PARTY.md is not what is installed: python deploy/notices.py writes it")
