from datetime import date

import pytest

from mm_ops.domain.canonical import digest, encode
from mm_ops.domain.release.manifest import Listed, build_manifest


def manifest(**members: bytes) -> dict[str, object]:
    return build_manifest(
        bot="paper",
        version="1.0.0",
        day=date(2026, 11, 20),
        built_by="mm_ops 0.1.0",
        files=[
            Listed(name.replace("_", "."), len(data), digest(data), f"about {name}") for name, data in members.items()
        ],
    )


def test_every_member_is_listed_by_name_with_size_digest_and_purpose():
    assert manifest(b_md=b"", a_md=b"abc")["files"] == [
        {
            "path": "a.md",
            "size": 3,
            # printf abc | sha256sum
            "sha256": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "description": "about a_md",
        },
        {
            "path": "b.md",
            "size": 0,
            # printf '' | sha256sum
            "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "description": "about b_md",
        },
    ]


def test_it_is_canonical_json_with_the_day_as_text():
    assert b'"day": "2026-11-20"' in encode(manifest(a_md=b""))


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", "MANIFEST.json", "a\\b"])
def test_a_path_that_leaves_the_bundle_is_refused(path: str):
    with pytest.raises(ValueError, match="expected a relative path inside the bundle"):
        build_manifest(
            bot="paper",
            version="1.0.0",
            day=date(2026, 11, 20),
            built_by="x",
            files=[Listed(path, 0, digest(b""), "")],
        )
