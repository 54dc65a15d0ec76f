"""Which tasks are watched: those of the policy, with one of each bot for those that are of each bot."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from mm_ops.domain.bots import Bot
from mm_ops.domain.errors import PolicyError
from mm_ops.domain.sentinel.tasks import (
    BOT,
    AssetProof,
    CronPolicy,
    FileProof,
    HeartbeatProof,
    JobProof,
    Proof,
    Task,
    TickProof,
    Which,
)


def tasks_of(policy: CronPolicy, bots: Sequence[Bot], unread: Sequence[str] = ()) -> tuple[Task, ...]:
    """Give the tasks with those of each bot made one of every bot that they are of, in the order of the file.

    ``unread`` are the names of bots whose entries are broken: they have the tasks that every bot has.

    Raises:
        PolicyError: a name is too long with the bot's, or stands for two tasks.
    """
    each = {task.name: _bots_of(task, bots, unread) for task in policy.tasks if BOT in str(task.proof)}
    kept = [task for task in policy.tasks if task.bots is Which.ALL or _bots_of(task, bots, unread)]
    known = {task.name for task in kept}
    try:
        tasks = tuple(one for task in kept for one in _expanded(task, known, each))
    except ValueError as error:  # pydantic's own: a name that is too long by the bot's
        raise PolicyError(f"sentinel.yaml: tasks: with a bot's name: {' '.join(str(error).split())}") from error
    doubled = [name for name, count in Counter(task.name for task in tasks).items() if count > 1]
    if doubled:
        raise PolicyError(f"sentinel.yaml: tasks: with the bots' names two are called {', '.join(doubled)}")
    return tasks


def _bots_of(task: Task, bots: Sequence[Bot], unread: Sequence[str]) -> list[str]:
    match task.bots:
        case Which.ALL:
            return [*(bot.name for bot in bots), *unread]
        case Which.CONTROLLED:
            return [bot.name for bot in bots if bot.control is not None]
        case Which.DRILLED:
            return [bot.name for bot in bots if bot.drill == "live"]
        case _:
            assert_never(task.bots)


def _expanded(task: Task, known: Collection[str], each: Mapping[str, Sequence[str]]) -> Iterator[Task]:
    """One task, or one of each of its bots; what it needs is there, and of the same bot."""
    wanted = [name for name in task.needs if name in known]
    if task.name not in each:
        yield replace(task, needs=tuple(one for name in wanted for one in _names(name, each)))
        return
    for bot in each[task.name]:
        needs = tuple(f"{name}_{bot}" if name in each else name for name in wanted if bot in each.get(name, [bot]))
        yield replace(task, name=f"{task.name}_{bot}", proof=_of_bot(task.proof, bot), needs=needs)


def _names(name: str, each: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{name}_{bot}" for bot in each[name]] if name in each else [name]


def _of_bot(proof: Proof, bot: str) -> Proof:
    match proof:
        case AssetProof():
            return replace(proof, key=proof.key.replace(BOT, bot))
        case JobProof():
            return replace(proof, tags={name: value.replace(BOT, bot) for name, value in proof.tags.items()})
        case FileProof():
            return replace(proof, glob=proof.glob.replace(BOT, bot))
        case HeartbeatProof():
            return replace(proof, task=proof.task.replace(BOT, bot))
        case TickProof():
            return replace(proof, name=proof.name.replace(BOT, bot))
        case _:
            assert_never(proof)


def needed_by(tasks: Sequence[Task], chosen: Collection[str]) -> tuple[Task, ...]:
    """Give the tasks that are chosen, with all that they come after, however far above; all where none is chosen.

    Raises:
        PolicyError: there is no task of a name.
    """
    known = {task.name: task for task in tasks}
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise PolicyError(f"--task: no task {', '.join(unknown)}; there are: {', '.join(known)}")
    wanted, waiting = set(chosen), list(chosen)
    while waiting:
        more = set(known[waiting.pop()].needs) - wanted
        wanted |= more
        waiting.extend(more)
    return tuple(task for task in tasks if not chosen or task.name in wanted)
