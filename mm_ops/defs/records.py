"""What Dagster has on record of an asset's files, and whether they are still those that were materialised."""

from datetime import date

import dagster as dg

from mm_ops.adapters.evidence import BotEvidence
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError

DIGESTS = "digests"
"""Metadata of a materialisation: the digest of every file that it wrote, by artifact name."""

_POSTED = 100
"""So many materialisations are looked at for one that a run made."""


def latest_materialisation(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date | None
) -> dg.AssetMaterialization | None:
    """The newest materialisation of an asset, of the day where it has days."""
    record = _latest_record(instance, key, day)
    return record.asset_materialization if record is not None else None


def materialising_run(instance: dg.DagsterInstance, key: dg.AssetKey, day: date | None) -> str | None:
    """The id of the run that made it; ``None`` where it was never made."""
    record = _latest_record(instance, key, day)
    return record.run_id if record is not None else None


def _latest_record(instance: dg.DagsterInstance, key: dg.AssetKey, day: date | None) -> dg.EventLogRecord | None:
    partitions = [day.isoformat()] if day else None
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=partitions)
    records = instance.fetch_materializations(wanted, limit=1).records
    return records[0] if records else None


def recorded_digests(instance: dg.DagsterInstance, key: dg.AssetKey, day: date | None) -> dict[str, str]:
    """The digests of an asset's files, by artifact name.

    Raises:
        MissingEvidenceError: it was never materialised for the day, or by a version that kept no digests.
    """
    event = latest_materialisation(instance, key, day)
    digests = event.metadata[DIGESTS].value if event is not None and DIGESTS in event.metadata else None
    if not isinstance(digests, dict) or not digests:
        what = "never materialised" if event is None else "materialised without the digests of its files"
        raise MissingEvidenceError(f"{key.to_user_string()}: {what} for {day or 'any day'}; materialise it")
    return digests


def digests_by_a_run(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, str]:
    """The digests of an asset's files as its newest run made them; what was posted from outside since is none.

    Nothing where no run is on record.
    """
    records = instance.fetch_materializations(key, limit=_POSTED).records
    event = next((record.asset_materialization for record in records if record.run_id), None)
    digests = event.metadata[DIGESTS].value if event is not None and DIGESTS in event.metadata else None
    return digests if isinstance(digests, dict) else {}


def read_recorded(
    instance: dg.DagsterInstance, key: dg.AssetKey, day: date | None, evidence: BotEvidence
) -> dict[str, bytes]:
    """Read an asset's files, each once, and compare them with what was materialised.

    Raises:
        MissingEvidenceError: it was never materialised, or a file is gone.
        IntegrityError: a file is not the one that was materialised, hence not the one that was judged.
    """
    recorded = recorded_digests(instance, key, day)
    return {name: read_unaltered(evidence, name, stated) for name, stated in recorded.items()}


def read_unaltered(evidence: BotEvidence, name: str, recorded: str) -> bytes:
    """Read a stored file and compare it with the digest on record.

    Raises:
        MissingEvidenceError: it is gone.
        IntegrityError: it is another one.
    """
    data = evidence.read(name)
    if digest(data) != recorded:
        was = f"expected {recorded}, found {digest(data)}"
        raise IntegrityError(f"{evidence.address(name)}: altered since it was materialised: {was}")
    return data
