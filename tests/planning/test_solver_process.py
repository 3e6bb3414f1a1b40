"""The solver's child process against what happens to processes: killed, stopped, orphaned,
cancelled, worn out.
"""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from optimisation.plan.plan import PlanStatus
from optimisation.problem.site_problem import BatteryModel, RectifierCurve, SiteProblem
from siteems.planning import solver_process as process_module
from siteems.planning.remarks import remarks_text
from siteems.planning.solver_process import SolverProcess


def problem(n=24):
    return SiteProblem(
        step_h=np.full(n, 1.0),
        price_per_kwh=np.where(np.arange(n) % 24 < 8, 0.3, 1.0),
        dc_load_kw=np.full(n, 3.0),
        ac_load_kw=np.zeros(n),
        pv_kw=np.zeros(n),
        import_limit_kw=np.full(n, 15.0),
        import_cap_kw=np.full(n, np.inf),
        reserve_kwh=np.full(n, 9.0),
        terminal_value_per_kwh=0.3,
        reserve_penalty_per_kwh_h=100.0,
        cap_penalty_per_kwh=20.0,
        unserved_penalty_per_kwh=1000.0,
        rectifier=RectifierCurve(0.05, (6.0, 6.0), (1.03, 1.06)),
        rectifier_max_dc_kw=12.0,
        batteries=(
            BatteryModel(
                capacity_kwh=30.0,
                stored_kwh=12.0,
                charge_efficiency=0.92,
                discharge_efficiency=0.92,
                max_charge_kw=6.0,
                max_discharge_kw=8.0,
                wear_per_kwh=(0.05,),
                acceptance=((0.0, 6.0), (0.8, 6.0), (1.0, 0.0)),
            ),
        ),
    )


def gone(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def wait_gone(pid, limit_s=20.0):
    until = time.monotonic() + limit_s
    while not gone(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return gone(pid)


@pytest.fixture
async def worker():
    worker = SolverProcess(grace_s=20.0)
    yield worker
    await worker.close()


async def test_solves_in_its_own_session_one_at_a_time_and_closes(worker):
    await worker.start()
    pid = worker.pid
    assert os.getsid(pid) == pid
    plans = await asyncio.gather(*(worker.solve(problem(), 5.0) for _ in range(3)))
    assert [plan.status for plan in plans] == [PlanStatus.OPTIMAL] * 3
    assert not plans[0].grid_import_kw.flags.writeable
    assert worker.pid == pid
    await worker.close()
    await worker.close()
    assert worker.pid is None
    assert gone(pid)


async def test_a_child_killed_in_mid_solve_is_a_status_and_the_next_solve_has_another(worker):
    await worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)  # holds the solve open
    solving = asyncio.create_task(worker.solve(problem(), 5.0))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    plan = await solving
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks) == "solver process died: exit code -9"
    assert (await worker.solve(problem(), 5.0)).usable
    assert worker.pid != pid


async def test_a_child_that_does_not_answer_is_killed_and_replaced(worker):
    await worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)
    worker._grace_s = 0.2
    plan = await worker.solve(problem(), 0.1)
    assert (plan.status, remarks_text(plan.remarks)) == (
        PlanStatus.ERROR,
        "solver did not answer within 0.3 s",
    )
    assert gone(pid)
    worker._grace_s = 20.0
    assert (await worker.solve(problem(), 5.0)).usable


@pytest.mark.parametrize("answer", [b"junk", pickle.dumps(3), b"cno_such_module\nPlan\n."])
async def test_an_answer_that_is_no_plan_is_a_status_and_its_sender_is_replaced(
    worker, monkeypatch, answer
):
    await worker.start()
    pid, receive = worker.pid, process_module._receive

    async def other(child):
        await receive(child)
        return answer

    monkeypatch.setattr(process_module, "_receive", other)
    plan = await worker.solve(problem(), 5.0)
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks).startswith("solver process sent no plan: ")
    assert gone(pid)
    monkeypatch.undo()
    assert (await worker.solve(problem(), 5.0)).usable


async def test_a_time_limit_that_is_reached_is_a_status_with_the_reason(worker):
    plan = await worker.solve(problem(), 1e-9)
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks) == "stopped at the time limit of 1e-09 s"


async def test_cancelling_a_solve_leaves_no_process_and_no_stale_answer(worker):
    await worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)
    solving = asyncio.create_task(worker.solve(problem(), 5.0))
    await asyncio.sleep(0.1)
    solving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await solving
    assert worker.pid is None
    assert gone(pid)
    assert (await worker.solve(problem(12), 5.0)).stored_kwh.shape == (12,)


async def test_the_loop_runs_on_while_a_large_problem_is_solved(worker):
    await worker.start()
    ticks = 0
    solving = asyncio.create_task(worker.solve(problem(1500), 15.0))
    while not solving.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert (await solving).usable
    assert ticks > 10


async def test_bad_numbers_are_an_error_with_the_reason_and_cost_no_process(worker):
    await worker.start()
    pid = worker.pid
    forged = problem()
    object.__setattr__(forged, "dc_load_kw", np.full(24, np.nan))
    plan = await worker.solve(forged, 5.0)
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks) == "dc_load_kw[0] is nan; allowed is 0 to 1e+09"
    assert (await worker.solve(problem(), 5.0)).usable
    assert worker.pid == pid


async def test_a_child_is_replaced_after_so_many_solves():
    worker = SolverProcess(grace_s=20.0, recycle_after=2)
    pids = []
    for _ in range(3):
        assert (await worker.solve(problem(), 5.0)).usable
        pids.append(worker.pid)
    await worker.close()
    assert pids[0] == pids[1] != pids[2]
    assert gone(pids[0])


async def test_a_child_that_cannot_start_is_a_status(worker, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    await worker.start()
    plan = await worker.solve(problem(), 5.0)
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks).startswith("solver did not start: ")
    assert worker.pid is None


async def test_a_child_without_the_library_of_highs_says_so(worker, monkeypatch, tmp_path):
    (tmp_path / "highspy").mkdir()
    (tmp_path / "highspy" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plan = await worker.solve(problem(), 5.0)
    assert plan.status is PlanStatus.ERROR
    assert remarks_text(plan.remarks).startswith(
        "solver did not start: no libhighs.so.1 or libhighs.1.dylib in "
    )
    assert worker.pid is None
    monkeypatch.delenv("PYTHONPATH")
    assert (await worker.solve(problem(), 5.0)).usable, "and tries again"


async def test_a_child_that_starts_too_slowly_is_a_status_and_no_orphan():
    worker = SolverProcess(start_limit_s=0.001)
    plan = await worker.solve(problem(), 5.0)
    assert (plan.status, remarks_text(plan.remarks)) == (
        PlanStatus.ERROR,
        "solver did not start within 0.001 s",
    )
    assert worker.pid is None


def test_the_child_ends_with_its_parent_also_in_mid_solve():
    parent_code = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from test_solver_process import SolverProcess, problem

async def main():
    worker = SolverProcess()
    await worker.start()
    solving = asyncio.create_task(worker.solve(problem(20000), 60.0))
    await asyncio.sleep(0.3)
    print(worker.pid, flush=True)
    await solving

asyncio.run(main())
"""
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", parent_code, here], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    assert wait_gone(child)
