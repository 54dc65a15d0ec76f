"""The checks of a stored bundle: whole, to be built again, without a secret, its gates passed by what is in it."""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from mm_ops.adapters.bundle import Built, Member, build
from mm_ops.adapters.bundle_verify import NoBundleError, say_signature, verify
from mm_ops.adapters.own_code import code_digest
from mm_ops.defs.automation import daily, partition_day
from mm_ops.defs.keys import BotKeys
from mm_ops.defs.limits import night_pool
from mm_ops.defs.overrides import SIGNERS
from mm_ops.defs.records import latest_materialisation, recorded_digests
from mm_ops.defs.release.assets import collect, signer_of
from mm_ops.defs.release.inputs import JUDGEMENT, PROVENANCE, Reports, find_secrets
from mm_ops.defs.resources import Site
from mm_ops.defs.verdicts import check_result
from mm_ops.domain.bots import Bot
from mm_ops.domain.canonical import encode
from mm_ops.domain.errors import MmOpsError
from mm_ops.domain.prelive.finding import ALL_STEPS_PASSED
from mm_ops.domain.release.finding import (
    GATES_PASSED,
    MANIFEST_VERIFIES,
    NO_SECRETS_INSIDE,
    REPRODUCIBLE,
    Rebuilt,
    gates_finding,
    no_bundle,
    rebuilt_finding,
    whole_finding,
)
from mm_ops.domain.release.manifest import MANIFEST, Listed, build_manifest
from mm_ops.domain.release.policy import ReleasePolicy
from mm_ops.domain.release.statements import CODE
from mm_ops.domain.signers import SignersPolicy, allowed_signers
from mm_ops.domain.verdict import Finding, Severity

_DESCRIPTIONS = {
    MANIFEST_VERIFIES: "Every byte is what the bundle says of it, it is the one that was built, and signed where "
    "release.yaml asks for it.",
    REPRODUCIBLE: "Built again from what is there now, and from its own files, it is the same bundle.",
    NO_SECRETS_INSIDE: "No secret is in any of its files, and each was read to its end.",
    GATES_PASSED: "Every hard gate passes by the reports that are in it, and its test result says so.",
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A stored bundle and where it belongs."""

    instance: dg.DagsterInstance
    site: Site
    bot: Bot
    day: date
    path: Path
    digest: str
    gates: frozenset[str]


Look = Callable[[Bundle], Finding]


def release_checks(
    bot: Bot, first_day: date, hard_checks: Sequence[dg.AssetCheckKey]
) -> list[dg.AssetChecksDefinition]:
    """Build them; ``hard_checks`` are those that must have passed before there is a bundle."""
    gates = frozenset({*(key.name for key in hard_checks), "identity", "inputs"})
    looks: dict[str, Look] = {
        MANIFEST_VERIFIES: _verifies,
        REPRODUCIBLE: _can_be_built_again,
        NO_SECRETS_INSIDE: _holds_no_secret,
        GATES_PASSED: _gates_passed,
    }
    return [_check(bot, first_day, gates, name, look) for name, look in looks.items()]


def _check(bot: Bot, first_day: date, gates: frozenset[str], name: str, look: Look) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=BotKeys(bot.name).release_bundle,
        pool=night_pool(bot.name),
        name=name,
        partitions_def=daily(first_day),
        description=_DESCRIPTIONS[name],
        metadata={"severity": Severity.HARD.value},
    )
    def check(context: dg.AssetCheckExecutionContext, site: Site) -> dg.AssetCheckResult:
        try:
            with bundle_at_hand(context.instance, site, bot, partition_day(context), gates) as bundle:
                finding = look(bundle)
        except (MmOpsError, NoBundleError) as error:
            finding = no_bundle(name, str(error))
        return check_result(replace(finding, gate=name))

    return check


@contextmanager
def bundle_at_hand(
    instance: dg.DagsterInstance, site: Site, bot: Bot, day: date, gates: frozenset[str] = frozenset()
) -> Iterator[Bundle]:
    """Have the bundle of a day as a local file.

    Raises:
        MissingEvidenceError: it was never built, or is gone: refused or withdrawn.
    """
    recorded = recorded_digests(instance, BotKeys(bot.name).release_bundle, day)
    name = next(name for name in recorded if name.endswith(".zip"))
    source = site.evidence(bot).source(name)
    if isinstance(source, Path):
        yield Bundle(instance, site, bot, day, source, recorded[name], gates)
        return
    with tempfile.NamedTemporaryFile(suffix=".zip") as kept:
        kept.write(source)
        kept.flush()
        yield Bundle(instance, site, bot, day, Path(kept.name), recorded[name], gates)


def verification(site: Site, path: Path) -> tuple[list[str], int, list[str]]:
    """Verify a bundle by the site's policy: faults, how many files, and what is known of the signature.

    Raises:
        NoBundleError: it is none.
    """
    policy = site.policy("release.yaml", ReleasePolicy)
    allowed = allowed_signers(site.policy(SIGNERS, SignersPolicy))
    found = verify(path, allowed if policy.require_signature else None)
    return list(found.faults), len(found.manifest["files"]), say_signature(found, asked=policy.require_signature)


def _verifies(bundle: Bundle) -> Finding:
    faults, files, whose = verification(bundle.site, bundle.path)
    with bundle.path.open("rb") as stream:
        found = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if found != bundle.digest:
        faults.append(f"it is not the one that was built: expected {bundle.digest}, was {found}")
    return whole_finding(faults, files, whose)


def _holds_no_secret(bundle: Bundle) -> Finding:
    with zipfile.ZipFile(bundle.path) as archive:
        return find_secrets(bundle.site, ((name, archive.read(name)) for name in archive.namelist()))


def _can_be_built_again(bundle: Bundle) -> Finding:
    manifest = _document(bundle, MANIFEST)
    stored = Rebuilt(bundle.digest, {item["path"]: item["sha256"] for item in manifest["files"]})
    ships = ALL_STEPS_PASSED in bundle.gates
    now = collect(bundle.instance, bundle.site, bundle.bot, bundle.day, pack=ships)
    with Path(os.devnull).open("wb") as nowhere:
        from_sources = _rebuilt(now.build(nowhere))
        from_itself = _rebuilt(_build_from_itself(bundle, manifest, nowhere))
    event = latest_materialisation(bundle.instance, BotKeys(bundle.bot.name).release_bundle, bundle.day)
    packer = event.metadata.get("zlib") if event is not None else None
    return rebuilt_finding(
        stored,
        from_sources,
        from_itself,
        same_zlib=packer is not None and packer.value == zlib.ZLIB_RUNTIME_VERSION,
        derived=frozenset({JUDGEMENT, *([PROVENANCE] if _is_same_code(bundle) else [])}),
    )


def _is_same_code(bundle: Bundle) -> bool:
    inputs = _document(bundle, PROVENANCE)["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {"name": CODE, "digest": {"sha256": code_digest().removeprefix("sha256:")}} in inputs


def _build_from_itself(bundle: Bundle, manifest: Mapping[str, Any], stream: Any) -> Built:
    about = {item["path"]: item["description"] for item in manifest["files"]}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(folder, members=list(about))
        members = {path: Member(Path(folder) / path, words) for path, words in about.items()}
        return build(stream, members, partial(_describe_again, manifest), signer_of(bundle.site))


def _describe_again(manifest: Mapping[str, Any], files: Sequence[Listed]) -> bytes:
    return encode(
        build_manifest(
            bot=manifest["bot"],
            version=manifest["version"],
            day=date.fromisoformat(manifest["day"]),
            built_by=manifest["built_by"],
            files=files,
            missing=manifest["missing"],
        )
    )


def _rebuilt(built: Built) -> Rebuilt:
    return Rebuilt(built.digest, {item.path: item.digest for item in built.members})


def _gates_passed(bundle: Bundle) -> Finding:
    return gates_finding(_findings(bundle), bundle.gates, _document(bundle, JUDGEMENT)["predicate"])


def _findings(bundle: Bundle) -> Iterator[Finding]:
    from mm_ops.defs.release.evidence import findings_of

    paths = [item["path"] for item in _document(bundle, MANIFEST)["files"]]
    named = [path for path in paths if path.startswith(("reports/", "golden/")) and path.endswith(".json")]
    yield from findings_of(Reports({}, {path: _document(bundle, path) for path in named}), bundle.site)


def _document(bundle: Bundle, member: str) -> Any:
    try:
        with zipfile.ZipFile(bundle.path) as archive:
            return json.loads(archive.read(member))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise NoBundleError(f"{bundle.path}: {member}: cannot be read: {error}") from error
