"""A batch of sites: in this process, in others, on a Dask cluster; broken sites, interruptions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siteems.cli import app
from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.replay.batch import replay_site, run_fleet
from siteems.replay.batch_result import Row, sums
from siteems.replay.batch_task import find_tasks, finished
from siteems.replay.executors import HereExecutor, executor_for

POLICIES = ("idle", "rules")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    for name, seed in (("a", "hangzhou-macro"), ("b", "rural-lfp"), ("c", "hangzhou-macro")):
        shutil.copytree(seed_path(seed), folder / name)
    broken = folder / "c" / "site.toml"
    broken.write_text(
        broken.read_text(encoding="utf-8").replace("min_soc =", "minimum_soc ="), encoding="utf-8"
    )
    (folder / "no site").mkdir()
    return folder


def test_a_broken_site_is_a_row_and_the_others_are_done(fleet: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    tasks = find_tasks(fleet, tmp_path, POLICIES, None, None)
    rows = run_fleet(tasks, HereExecutor(), lambda row, before: seen.append((row.name, before)))
    assert [row.name for row in rows] == ["a", "b", "c"]
    assert seen == [("a", False), ("b", False), ("c", False)]
    assert rows[0].days == 1.0
    assert rows[0].cost is not None
    assert (tmp_path / "a" / "report.html").is_file()
    assert "minimum_soc" in rows[2].error
    assert sums(rows)["failed"] == 1
    assert sums(rows)["money"]["CNY"]["cost"] == pytest.approx(
        rows[0].cost + (rows[1].cost or 0.0), abs=1e-3
    )


def test_it_resumes_after_an_interruption(fleet: Path, tmp_path: Path) -> None:
    tasks = find_tasks(fleet, tmp_path, POLICIES, None, None)

    class Interrupted(HereExecutor):
        done = 0

        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            if self.done == 1:
                raise KeyboardInterrupt
            self.done += 1
            return super().submit(fn, *args, **kwargs)

    with pytest.raises(KeyboardInterrupt):
        run_fleet(tasks, Interrupted(), lambda *_: None)
    seen: dict[str, bool] = {}
    run_fleet(tasks, HereExecutor(), lambda row, before: seen.update({row.name: before}))
    assert seen == {"a": True, "b": False, "c": False}
    assert finished(tasks[1]) is not None
    other = find_tasks(fleet, tmp_path, ("idle",), None, None)
    assert finished(other[0]) is None  # other policies, another outcome
    (tmp_path / "a" / "done.json").write_text('{"key"', encoding="utf-8")
    assert finished(tasks[0]) is None


def test_a_crash_of_a_task_is_its_row(fleet: Path, tmp_path: Path) -> None:
    class Crashing(HereExecutor):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            return super().submit(lambda: 1 / 0)

    rows = run_fleet(find_tasks(fleet, tmp_path, POLICIES, None, None), Crashing(), lambda *_: None)
    assert {row.error for row in rows} == {"ZeroDivisionError: division by zero"}


@pytest.mark.timeout(120)
def test_processes_and_a_dask_cluster_give_the_same(fleet: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    def costs(rows: tuple[Row, ...]) -> list[float | None]:
        return [row.cost for row in rows]

    here = [
        replay_site(task).cost
        for task in find_tasks(fleet, tmp_path / "here", POLICIES, None, None)
    ]
    with executor_for(2) as executor:
        tasks = find_tasks(fleet, tmp_path / "processes", POLICIES, None, None)
        assert costs(run_fleet(tasks, executor, lambda *_: None)) == here
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        executor_for(1, cluster.scheduler_address) as executor,
    ):
        tasks = find_tasks(fleet, tmp_path / "cluster", POLICIES, None, None)
        assert costs(run_fleet(tasks, executor, lambda *_: None)) == here


def test_the_command_writes_a_table_and_exits_with_1_when_a_site_failed(
    fleet: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        app, ["replay-fleet", str(fleet), f"--out={tmp_path}", "--policy=idle"]
    )
    assert done.exit_code == 1
    assert "3 sites, 1 failed" in done.stdout
    assert len(json.loads((tmp_path / "fleet.json").read_text())["sites"]) == 3
    assert (tmp_path / "fleet.csv").read_text().startswith("name,days,currency,cost")


def test_a_folder_without_sites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no site"):
        find_tasks(tmp_path, tmp_path, POLICIES, None, None)
    with pytest.raises(UserError, match="is no folder"):
        find_tasks(tmp_path / "none", tmp_path, POLICIES, None, None)
    with (
        pytest.raises(UserError, match="no scheduler answers"),
        executor_for(1, "tcp://127.0.0.1:1"),
    ):
        pass
