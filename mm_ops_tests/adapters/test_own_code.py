import shutil
import subprocess
import sys
from pathlib import Path

from mm_ops.adapters.own_code import code_digest
from mm_ops_tests.requirements import PROJECT

ASK = "from mm_ops.adapters.own_code import code_digest; print(code_digest())"


def ask(folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", ASK], cwd=folder, capture_output=True, text=True, check=True, env={})
    return done.stdout.strip()


def test_the_code_is_known_by_its_files_wherever_it_lies(tmp_path: Path):
    shutil.copytree(PROJECT / "mm_ops", tmp_path / "mm_ops")
    assert ask(tmp_path) == code_digest()
    template = next((tmp_path / "mm_ops").rglob("*.j2"))
    template.write_text(template.read_text() + " ")
    assert ask(tmp_path) != code_digest()
