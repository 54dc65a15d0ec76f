import io
import os
import time
import zipfile

from mm_ops.adapters.bundle import pack

MEMBERS = {"b/two.json": b"{}\n", "a.md": b"# a\n" * 100}


def test_every_member_comes_back_whole():
    with zipfile.ZipFile(io.BytesIO(pack(MEMBERS))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == MEMBERS


def test_the_bytes_depend_on_nothing_but_the_members():
    before = pack(MEMBERS)
    mask = os.umask(0o077)
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    try:
        assert pack(dict(reversed(MEMBERS.items()))) == before
    finally:
        os.umask(mask)
        os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
        time.tzset()
