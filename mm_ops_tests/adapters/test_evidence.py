from datetime import date
from pathlib import Path

import pytest

from mm_ops.adapters.artifacts import Artifacts
from mm_ops.adapters.evidence import READINESS, BotEvidence
from mm_ops.domain.canonical import digest
from mm_ops.domain.errors import IntegrityError, MissingEvidenceError, PolicyError

DAY = date(2026, 11, 20)


@pytest.fixture
def evidence(tmp_path: Path) -> BotEvidence:
    return BotEvidence(Artifacts(str(tmp_path)), "paper")


def test_names_keep_the_forms_that_operators_know(evidence: BotEvidence):
    assert evidence.report(DAY, READINESS) == "paper/2026-11-20/reports/readiness.json"
    assert evidence.golden("tiny") == "paper/golden/EDGE_REPORT_tiny.json"
    assert evidence.bundle(DAY, "paper-v1.0.0.zip") == "paper/2026-11-20/release/paper-v1.0.0.zip"


def test_the_samples_lie_where_the_reader_of_recordings_looks(evidence: BotEvidence, tmp_path: Path):
    evidence.put(evidence.sample_file(DAY), b"x")
    assert (evidence.sample_root() / "samples/date=2026-11-20/samples.parquet").read_bytes() == b"x"
    assert evidence.sample_root() == tmp_path / "paper"


def test_the_parts_of_a_day_lie_there_too_and_the_day_s_entry_says_which(evidence: BotEvidence):
    assert evidence.sample_files(DAY) == []
    parts = [evidence.put(evidence.sample_part(DAY, hour), b"x") for hour in (12, 0)]
    assert evidence.segment_entry(DAY, 0) == "paper/segments/date=2026-11-20/part-00.json"
    evidence.put_day_entry(DAY, {part.name: part.digest for part in parts}, ["m"])
    assert evidence.sample_files(DAY) == [f"paper/samples/date=2026-11-20/part-{hour}.parquet" for hour in ("00", "12")]
    evidence.put_samples(DAY, b"y", ["m"])
    assert evidence.sample_files(DAY) == [evidence.sample_file(DAY)]
    evidence.withdraw_day(DAY)
    assert evidence.sample_files(DAY) == []


@pytest.mark.parametrize("text", ["[]", "{}", '{"files": []}'])
def test_a_day_s_entry_without_files_is_an_integrity_error(evidence: BotEvidence, text: str):
    evidence.put(evidence.day_entry(DAY), text.encode())
    with pytest.raises(IntegrityError, match=r"day\.json: files: expected names with their sha256; collect the day"):
        evidence.sample_files(DAY)


def test_json_is_read_back_as_it_was_put(evidence: BotEvidence):
    evidence.put_json("a.json", {"b": 1.5, "a": None})
    assert evidence.read_json("a.json") == {"a": None, "b": 1.5}
    assert evidence.find_json("a.json") == {"a": None, "b": 1.5}


def test_absent_evidence_is_none_or_an_error_and_never_empty(evidence: BotEvidence):
    assert evidence.find_json("a.json") is None
    with pytest.raises(MissingEvidenceError):
        evidence.read_json("a.json")


def test_a_file_cut_short_is_an_integrity_error_even_where_absence_is_allowed(evidence: BotEvidence):
    evidence.put("a.json", b'{"score": 100')
    with pytest.raises(IntegrityError, match=r"a\.json: not the JSON that was stored"):
        evidence.find_json("a.json")


@pytest.fixture(params=["local", "memory"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> BotEvidence:
    root = str(tmp_path) if request.param == "local" else f"memory://{tmp_path.name}"
    return BotEvidence(Artifacts(root), "paper")


def put_release(evidence: BotEvidence, data: bytes, file: str = "paper-v1.0.0.zip") -> None:
    with evidence.writing_release(DAY, file) as stream:
        stream.write(data)
    evidence.settle_release(DAY, file, digest(data), len(data))


def test_a_withdrawn_bundle_is_gone_from_its_place_and_found_again(anywhere: BotEvidence):
    name = anywhere.bundle(DAY, "paper-v1.0.0.zip")
    anywhere.put(name, b"PK")
    assert anywhere.releases(DAY) == [name]
    assert anywhere.withdraw_releases(DAY) == ["paper/2026-11-20/release/withdrawn/paper-v1.0.0.zip"]
    assert anywhere.releases(DAY) == []
    assert anywhere.withdrawn_releases(DAY) == ["paper/2026-11-20/release/withdrawn/paper-v1.0.0.zip"]
    assert anywhere.read(anywhere.withdrawn_releases(DAY)[0]) == b"PK"


def test_a_bundle_that_was_built_again_is_not_withdrawn(anywhere: BotEvidence):
    name = anywhere.bundle(DAY, "paper-v1.0.0.zip")
    anywhere.put(name, b"PK")
    anywhere.withdraw_releases(DAY)
    put_release(anywhere, b"PK")
    assert anywhere.withdrawn_releases(DAY) == []
    assert anywhere.find("paper/2026-11-20/release/withdrawn/paper-v1.0.0.zip") is None


def test_a_withdrawn_bundle_of_other_bytes_is_kept_beside_the_new_one(anywhere: BotEvidence):
    put_release(anywhere, b"PK")
    anywhere.withdraw_releases(DAY)
    put_release(anywhere, b"PK other")
    assert anywhere.find("paper/2026-11-20/release/withdrawn/paper-v1.0.0.zip") == b"PK"
    assert anywhere.withdrawn_releases(DAY) == []


def test_a_bundle_of_another_version_is_withdrawn_when_the_new_one_is_there(anywhere: BotEvidence):
    put_release(anywhere, b"PK")
    put_release(anywhere, b"PK new", "paper-v1.1.0.zip")
    folder = "paper/2026-11-20/release"
    assert anywhere.releases(DAY) == [f"{folder}/paper-v1.1.0.zip", f"{folder}/paper-v1.1.0.zip.sha256"]
    assert anywhere.find(f"{folder}/withdrawn/paper-v1.0.0.zip") == b"PK"
    stated = f"{digest(b'PK new').removeprefix('sha256:')}  paper-v1.1.0.zip\n"
    assert anywhere.find(f"{folder}/paper-v1.1.0.zip.sha256") == stated.encode()


def test_a_bundle_that_is_not_written_to_its_end_leaves_the_one_before(anywhere: BotEvidence):
    put_release(anywhere, b"PK")

    def half() -> None:
        with anywhere.writing_release(DAY, "paper-v1.0.0.zip") as stream:
            stream.write(b"half of")
            raise IntegrityError("a file changed meanwhile")

    with pytest.raises(IntegrityError, match="a file changed meanwhile"):
        half()
    assert anywhere.find(anywhere.bundle(DAY, "paper-v1.0.0.zip")) == b"PK"


def test_a_copy_is_the_same_piece_by_piece_and_a_local_path_is_of_a_folder_only(anywhere: BotEvidence):
    put_release(anywhere, b"PK" * 2_000_000)
    kept = anywhere.copy(anywhere.bundle(DAY, "paper-v1.0.0.zip"), "paper/promoted/x.zip")
    assert (kept.digest, kept.size) == (digest(b"PK" * 2_000_000), 4_000_000)
    assert anywhere.digest("paper/promoted/x.zip") == kept.digest
    assert anywhere.digest("paper/promoted/none.zip") is None
    with pytest.raises(MissingEvidenceError, match=r"none\.zip: not stored yet"):
        anywhere.copy("paper/promoted/none.zip", "paper/promoted/y.zip")


def test_a_url_has_no_local_path():
    with pytest.raises(PolicyError, match="MM_OPS_ARTIFACTS: expected a folder for this, was a URL"):
        BotEvidence(Artifacts("memory://x"), "paper").local("paper/promoted/x.zip")


def test_withdrawing_nothing_does_nothing(anywhere: BotEvidence):
    assert anywhere.withdraw_releases(DAY) == []
    assert anywhere.withdrawn_releases(DAY) == []


def test_bytes_are_found_or_none(evidence: BotEvidence):
    assert evidence.find("a.bin") is None
    evidence.put("a.bin", b"x")
    assert evidence.find("a.bin") == b"x"
