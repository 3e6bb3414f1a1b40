"""The solver in a child process: it may hang, crash or leak memory, and the controller only ever
sees a status.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import Sequence

from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.remark import Remark, remark
from optimisation.problem.future import Future
from optimisation.problem.site_problem import SiteProblem
from siteems.planning.solver_child import LENGTH_BYTES


class SolverProcess:
    """A solver in a child process, which is started again whenever it has ended. One solve at a
    time; others wait.

    The child has a session of its own, so Ctrl-C does not reach it. It ends with its stdin, so it
    does not outlive this process. It shares our stderr.
    """

    def __init__(
        self, *, grace_s: float = 5.0, start_limit_s: float = 60.0, recycle_after: int = 500
    ) -> None:
        """`grace_s` is how much longer than its own limit a solve may take on the wall clock, and
        `start_limit_s` how long the child may take to start, both in seconds.

        After `recycle_after` solves (five days of plans by default) the child is replaced, so that
        a slow memory leak of the solver does no harm.
        """
        self._grace_s = grace_s
        self._start_limit_s = start_limit_s
        self._recycle_after = recycle_after
        self._lock = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._solves = 0

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while there is none."""
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """Start the child and wait until it is ready. If that fails, `solve` will try again."""
        async with self._lock:
            await self._start()

    async def solve(
        self, problem: SiteProblem, limit_s: float, futures: Sequence[Future] = ()
    ) -> Plan:
        """Solve within `limit_s` seconds of solver time. A child that has not answered `grace_s`
        after that is killed.

        Trouble with the solver or the numbers raises nothing: the plan has the status `error` and
        the reason.
        """
        async with self._lock:
            if self._solves >= self._recycle_after:
                await self._end()
            fault = await self._start()
            if self._child is None:
                return Plan(PlanStatus.ERROR, () if fault is None else (fault,))
            self._solves += 1
            return await self._ask(self._child, pickle.dumps((problem, limit_s, futures)), limit_s)

    async def close(self) -> None:
        """End the child, after the solve in progress. A later `solve` would start another."""
        async with self._lock:
            await self._end()

    async def _start(self) -> Remark | None:
        """Make sure that a child runs; returns why none does."""
        if self._child is not None and self._child.returncode is None:
            return None
        self._child, self._solves = None, 0
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "siteems.planning.solver_child")
        try:
            self._child = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, start_new_session=True
            )
            async with asyncio.timeout(self._start_limit_s):
                why_not = (await _receive(self._child)).decode()
        except TimeoutError:
            await self._kill()
            return remark("solver-slow-start", limit_s=self._start_limit_s)
        except (OSError, EOFError) as error:
            await self._kill()
            return remark("solver-not-started", error=str(error))
        except BaseException:
            await self._kill()
            raise
        if why_not:
            await self._kill()
            return remark("solver-not-started", error=why_not)
        return None

    async def _ask(self, child: asyncio.subprocess.Process, request: bytes, limit_s: float) -> Plan:
        wall_s = limit_s + self._grace_s
        try:
            async with asyncio.timeout(wall_s):
                await _send(child, request)
                body = await _receive(child)
            plan = pickle.loads(body)
            if not isinstance(plan, Plan):
                raise TypeError(f"{type(plan).__name__} is not a plan")
        except TimeoutError:
            await self._kill()
            return Plan(PlanStatus.ERROR, (remark("solver-silent", limit_s=wall_s),))
        except (OSError, EOFError) as error:
            await self._kill()
            return Plan(PlanStatus.ERROR, (remark("solver-died", error=str(error)),))
        except Exception as error:
            # After an upgrade under a running daemon the pickle is of other code: it may raise
            # anything.
            await self._kill()
            return Plan(PlanStatus.ERROR, (remark("solver-no-plan", error=str(error)),))
        except BaseException:
            # Cancelled: the answer still to come must not be taken as that of the next solve.
            await self._kill()
            raise
        return plan

    async def _end(self) -> None:
        child = self._child
        if child is None:
            return
        try:
            assert child.stdin is not None
            child.stdin.close()
            async with asyncio.timeout(self._grace_s):
                await child.wait()
        except TimeoutError:
            pass
        finally:
            await self._kill()

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)  # it leads its own group
        with contextlib.suppress(TimeoutError):  # a killed process can still hang in the kernel
            async with asyncio.timeout(self._grace_s):
                await child.wait()


async def _send(child: asyncio.subprocess.Process, body: bytes) -> None:
    assert child.stdin is not None
    child.stdin.write(len(body).to_bytes(LENGTH_BYTES) + body)
    await child.stdin.drain()


async def _receive(child: asyncio.subprocess.Process) -> bytes:
    assert child.stdout is not None
    try:
        length = int.from_bytes(await child.stdout.readexactly(LENGTH_BYTES))
        return await child.stdout.readexactly(length)
    except asyncio.IncompleteReadError:
        raise EOFError(f"exit code {await child.wait()}") from None
