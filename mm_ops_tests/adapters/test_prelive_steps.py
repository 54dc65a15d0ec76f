import os
import sys
import time
from pathlib import Path

from mm_ops.adapters.prelive_steps import run_step
from mm_ops.domain.prelive.ended import Ran


def run(tmp_path: Path, code: str, within_s: float = 60.0) -> Ran:
    program = (sys.executable, "-u", "-c")
    return run_step([code], within_s=within_s, clock=time.monotonic, root=tmp_path, program=program)


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def test_the_exit_code_and_the_last_lines_of_both_streams_are_kept(tmp_path: Path):
    ran = run(tmp_path, "import sys; print('one'); print('two\\x1b[1m\\xff', file=sys.stderr); sys.exit(3)")
    assert ran.exit_code == 3
    assert ran.said[0] == "one"
    assert ran.said[1].startswith("two [1m")
    assert ran.took_s > 0


def test_a_flood_is_kept_by_its_end(tmp_path: Path):
    ran = run(tmp_path, "print('x' * 1_000_000); [print(n) for n in range(1000)]")
    assert list(ran.said) == [str(n) for n in range(960, 1000)]


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path):
    code = (
        "import subprocess, sys, time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open('child', 'w').write(str(child.pid)); print('started'); time.sleep(600)"
    )
    ran = run(tmp_path, code, within_s=2.0)
    assert ran.exit_code is None
    assert ran.said == ["started"]
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    end = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < end, "what it started goes on"
        time.sleep(0.05)


def test_what_a_command_left_running_is_ended_with_it(tmp_path: Path):
    code = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "open('child', 'w').write(str(child.pid))"
    )
    assert run(tmp_path, code).exit_code == 0
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    end = time.monotonic() + 60
    while is_alive(child):
        assert time.monotonic() < end, "what it started goes on"
        time.sleep(0.05)
