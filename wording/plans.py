"""What the shell says of a plan: who would move, who cannot and why, and what has changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.directory import ExceptionReason, MigrationPlan
from wording import sentences


@dataclass(frozen=True)
class ShownExceptions:
    """The users whom a plan cannot move, of whom the first are listed one by one."""

    by_reason: Mapping[str, int]
    first: Sequence[tuple[str, str]]
    """Address and reason of each that is listed."""
    whole_list: str
    """The command that writes all of them into a file."""


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Say how the counts by class differ, such as `link 40 → 39, ambiguous 0 → 1`."""
    changes = [
        f"{_label_of(kind)} {before.get(kind, 0)} → {after.get(kind, 0)}"
        for kind in sorted({*before, *after})
        if before.get(kind, 0) != after.get(kind, 0)
    ]
    return ", ".join(changes) or "as many of each kind, but other people"


def whole_list(command: str, slug: str) -> str:
    """Return what to type for a file with everyone, by `plan` or by `exceptions`."""
    return f"python starter.py {command} {slug} --csv FILE"


def dry_run(slug: str, plan: MigrationPlan, accounts: int, *, needs_approval: bool) -> list[str]:
    """Return what a plan decides that was made to be looked at; `accounts` were read for it."""
    approval = (
        f"needed (more than {plan.threshold:,} exceptions): "
        f"python starter.py approve {slug} --plan {plan.plan_hash[:12]}"
        if needs_approval
        else f"not needed (up to {plan.threshold:,} exceptions)"
    )
    return [
        f"Plan {plan.plan_hash[:12]} for {slug}. Nothing was changed.",
        f"Directory   {accounts:,} accounts read",
        f"Will move   {plan.movable:,} of {plan.total:,} users: {plan.link:,} linked, "
        f"{plan.invite:,} invited; {plan.first_wave:,} of them first",
        f"Moved       {plan.already_linked:,} are linked already",
        f"Exceptions  {plan.exceptions:,}, of which {plan.unsettled:,} need somebody",
        f"Approval    {approval}",
    ]


def changed_since(plan_hash: str, before: Mapping[str, int], after: Mapping[str, int]) -> str:
    """Return how a plan differs from the one that the go-live holds, which has this hash."""
    return f"Changed     since plan {plan_hash[:12]}: {difference(before, after)}"


def exceptions(shown: ShownExceptions) -> list[str]:
    """Return each reason with what to do about it, and the first few users."""
    if not shown.by_reason:
        return ["No exceptions: everyone can move."]
    lines = [""]
    for reason, count in sorted(shown.by_reason.items(), key=lambda one: (-one[1], one[0])):
        words = sentences.EXCEPTIONS[ExceptionReason(reason)]
        lines.append(f"{count:>9,}  {_label_of(reason)}: {words.why}")
        lines.append(f"           {words.in_shell}")
    lines.append("")
    lines += [f"           {address}: {_label_of(reason)}" for address, reason in shown.first]
    more = sum(shown.by_reason.values()) - len(shown.first)
    if more > 0:
        lines.append(f"           and {more:,} more; the whole list: {shown.whole_list}")
    return lines


def _label_of(code: str) -> str:
    return code.replace("_", " ")
