"""The loop of a peer program: a line on stdin names a variation of S1, a line of JSON answers."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from problems.s1 import S1, variations


def serve(prepare: Callable[[S1], Callable[[], float]]) -> None:
    """Serve until stdin ends.

    `prepare` makes the peer's inputs, which is not timed; the function that it returns solves and
    gives the cost.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # peers print what they like
    problems: list[S1] = []
    for line in sys.stdin:
        number = int(line)
        if number >= len(problems):
            problems = list(variations(number + 50))
        solve = prepare(problems[number])
        begin = time.perf_counter()
        cost = solve()
        answers.write(json.dumps({"cost": cost, "solve_s": time.perf_counter() - begin}) + "\n")
        answers.flush()
