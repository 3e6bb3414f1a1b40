"""The solver's child process, run by `python -m`: problems in on stdin, plans out on stdout.

A frame is its length (8 bytes, big-endian) and that many bytes: a pickle of (problem, limit_s,
futures) in, of a plan out. The first frame out is empty once everything is imported and HiGHS is
loaded; otherwise it holds the reason why the process cannot start. The process ends with its stdin,
also in the middle of a solve, so it never outlives its parent.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from queue import SimpleQueue
from typing import BinaryIO

from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.remark import remark
from optimisation.problem.site_problem import ProblemError
from optimisation.solving.highs import version
from optimisation.solving.solver import PlanSolver
from siteems.planning.model_cache import ModelCache, cache_folder

LENGTH_BYTES = 8


def main() -> None:
    """Serve until stdin ends. Raises ImportError where the library of HiGHS is missing."""
    # Whatever else writes to stdout in this process must not end up between frames.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        version()
    except ImportError as error:
        _write(answers, str(error).encode())
        raise
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    solver = PlanSolver(ModelCache(cache_folder()))
    _write(answers, b"")
    while True:
        _write(answers, pickle.dumps(_answer(solver, requests.get())))


def _answer(solver: PlanSolver, request: bytes) -> Plan:
    try:
        problem, limit_s, futures = pickle.loads(request)
        return solver.solve(problem, limit_s, futures)
    except ProblemError as error:
        return Plan(PlanStatus.ERROR, (remark("problem-refused", error=str(error)),))


def _read(source: BinaryIO, requests: SimpleQueue[bytes]) -> None:
    # A thread, because the end of stdin must be seen while HiGHS runs; HiGHS releases the
    # interpreter lock.
    while True:
        head = source.read(LENGTH_BYTES)
        length = int.from_bytes(head)
        body = source.read(length)
        if len(head) < LENGTH_BYTES or len(body) < length:
            os._exit(0)
        requests.put(body)


def _write(answers: BinaryIO, body: bytes) -> None:
    try:
        answers.write(len(body).to_bytes(LENGTH_BYTES))
        answers.write(body)
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
