"""The English text of what the solver says of a plan, which knows codes and values only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from optimisation.plan.remark import Remark
from siteems.messages.message import Catalogue, Message, MessageType

# -- why there is no plan, or how the search for it ended ------------------------------------------

TIME_LIMIT: Final = MessageType("time-limit", "stopped at the time limit of {limit_s:g} s")
SOLVER_ANSWERED: Final = MessageType("solver-answered", "HiGHS answered: {answer}")
SOLVER_ERROR: Final = MessageType("solver-error", "{error}")
NO_MARGINAL_VALUES: Final = MessageType("no-marginal-values", "without marginal values: {why}")
CHECK_REFUSED: Final = MessageType("check-refused", "the check refused the plan: {violations}")
PROBLEM_REFUSED: Final = MessageType("problem-refused", "{error}")

# -- the solver's process --------------------------------------------------------------------------

SOLVER_SLOW_START: Final = MessageType(
    "solver-slow-start", "solver did not start within {limit_s:g} s"
)
SOLVER_NOT_STARTED: Final = MessageType("solver-not-started", "solver did not start: {error}")
SOLVER_SILENT: Final = MessageType("solver-silent", "solver did not answer within {limit_s:g} s")
SOLVER_DIED: Final = MessageType("solver-died", "solver process died: {error}")
SOLVER_NO_PLAN: Final = MessageType("solver-no-plan", "solver process sent no plan: {error}")

# -- what could not be met -------------------------------------------------------------------------

COUNTED_AS_FULL: Final = MessageType(
    "counted-as-full", "battery {battery} is measured at {soc:.3g} of its capacity, counted as full"
)
AC_SIDE_ALONE: Final = MessageType(
    "ac-side-alone", "the AC side alone draws more than the import limit in {steps} steps"
)

PLAN_REMARKS: Final = tuple(each for each in globals().values() if isinstance(each, MessageType))
"""All of the above."""
ENGLISH_REMARKS: Final = Catalogue(PLAN_REMARKS)


def messages_of(remarks: Iterable[Remark]) -> tuple[Message, ...]:
    """Remarks as messages."""
    return tuple(Message(each.code, each.values) for each in remarks)


def remarks_text(remarks: Iterable[Remark]) -> str:
    """Remarks as one line of text."""
    return "; ".join(map(ENGLISH_REMARKS.text, messages_of(remarks)))
