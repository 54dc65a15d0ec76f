"""The door of the command line: however a command ends, one exit code that says what it says, and one line.

0 and 1 are verdicts, so nothing but a verdict may exit with them. What was refused, what the system refused and what
is broken in mm_ops itself exit 2, Ctrl-C 130, and a reader who left before the end 141, as the shell would say.
"""

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable

import click

from mm_ops.adapters.environment import wants_traceback
from mm_ops.adapters.log_lines import write
from mm_ops.domain.errors import MmOpsError

UNDECIDED, INTERRUPTED, BROKEN_PIPE = 2, 130, 141
_WIDTH = 200


def run(command: Callable[[], object]) -> int:
    """Run a command to its end and return the exit code of the process."""
    try:
        code = _decide(command)
        if sys.stdout is not None:  # it is None when the shell closed it
            sys.stdout.flush()  # here, where a full disk can still be told, and not when the interpreter ends
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        return _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")
    return code


def invoke(command: click.Command) -> object:
    """Run as click's own ``main`` would, which exits 1 when the reader of the output has left."""
    with command.make_context("mm-ops", sys.argv[1:]) as context:
        return command.invoke(context)


def _decide(command: Callable[[], object]) -> int:
    try:
        ended = command()
    except SystemExit as asked:
        ended = asked.code
    except click.exceptions.Exit as asked:  # of --help and --version
        ended = asked.exit_code
    except MmOpsError as error:
        return _refuse(str(error))
    except click.ClickException as error:
        return _misused(error)
    except (KeyboardInterrupt, click.Abort):
        return _refuse("interrupted; nothing was decided", INTERRUPTED)
    except OSError:
        raise
    except BaseException as error:  # noqa: BLE001 - the last door; Rust's panics are no Exception
        return _own_fault(error)
    return ended if isinstance(ended, int) else 0 if ended is None else UNDECIDED


def _misused(error: click.ClickException) -> int:
    """Say in one line which option of which command is wrong; a group that was called bare shows its help."""
    context = getattr(error, "ctx", None)
    if context is None or isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show(sys.stderr)
        return UNDECIDED
    said = " ".join(error.format_message().split()).rstrip(".")
    called = context.command_path
    with contextlib.suppress(OSError):
        write(f"{called}: {said[:1].lower()}{said[1:]}; {called} --help tells what there is", logging.ERROR)
    return UNDECIDED


def _own_fault(error: BaseException) -> int:
    """Say that mm_ops itself is broken: Python would exit 1, and 1 means that a gate failed."""
    if wants_traceback():
        traceback.print_exception(error)
    said = " ".join(str(error).split())
    words = f"{type(error).__name__}: {said}" if said else type(error).__name__
    shown = words if len(words) <= _WIDTH else f"{words[:_WIDTH]}…"
    hint = "" if wants_traceback() else "; MM_OPS_TRACEBACK=1 shows where"
    return _refuse(f"a fault of mm_ops, nothing was decided: {shown}{hint}")


def _refuse(reason: str, code: int = UNDECIDED) -> int:
    with contextlib.suppress(OSError):  # nobody reads standard error: the exit code still says it
        write(f"mm-ops: {reason}", logging.ERROR)
    return code
