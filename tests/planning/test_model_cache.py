"""Files of compiled models: they save loading Pyomo, are never trusted blindly, and nothing fails
without them.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from site_cases import site_problem

from optimisation.program.compiled import CompiledLP
from optimisation.program.model_source import compile_shape
from optimisation.program.shape import shape_of
from optimisation.solving.solver import PlanSolver
from siteems.planning import model_cache
from siteems.planning.model_cache import FOLDER_VARIABLE, ModelCache, cache_folder

SHAPE = shape_of(site_problem(6))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def models(folder):
    return ModelCache(folder)


@pytest.fixture
def compiling(monkeypatch):
    """Counts how often a model is compiled."""
    count = []

    def counted(shape):
        count.append(shape)
        return compile_shape.__wrapped__(shape)

    monkeypatch.setattr(model_cache, "compile_shape", counted)
    return count


def same(one: CompiledLP, other: CompiledLP):
    assert (one.params, one.columns, one.rows) == (other.params, other.columns, other.rows)
    for name in ("integer", "starts", "indices", "z0", "m_row", "m_column", "m_value"):
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def test_the_second_time_comes_from_the_file_and_is_the_same(folder, compiling):
    first, second = ModelCache(folder)(SHAPE), ModelCache(folder)(SHAPE)
    assert len(compiling) == 1
    same(first, second)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0


def test_another_shape_another_source_and_other_versions_have_other_files(
    models, folder, tmp_path, monkeypatch
):
    def file_of_another(shape=SHAPE):
        before = set(folder.iterdir()) if folder.exists() else set()
        models(shape)
        (file,) = set(folder.iterdir()) - before
        return file

    file_of_another()
    file_of_another(shape_of(site_problem(7)))
    with monkeypatch.context() as patch:
        patch.setattr(model_cache.np, "__version__", "0")
        file_of_another()
    package = tmp_path / "optimisation" / "program"
    package.mkdir(parents=True)
    init = package.parent / "__init__.py"
    init.write_text("x = 1\n")
    monkeypatch.setattr(model_cache.optimisation, "__file__", str(init))
    file_of_another()
    (package / "model.py").write_text("x = 2\n")
    file_of_another()
    other = tmp_path / "pyomo" / "version" / "info.py"
    other.parent.mkdir(parents=True)
    (tmp_path / "pyomo" / "__init__.py").touch()
    other.write_text("major = 0\n")
    found = SimpleNamespace(origin=str(tmp_path / "pyomo" / "__init__.py"))
    with monkeypatch.context() as patch:
        patch.setattr(model_cache.importlib.util, "find_spec", lambda name: found)
        file_of_another()
    assert len(list(folder.iterdir())) == 6


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(255 - byte for byte in data[middle : middle + 8])
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def foreign_key(path):
    with np.load(path) as saved:
        arrays = dict(saved)
    np.savez(path, **arrays | {"key": np.array("of another")})


def out_of_range(path):
    with np.load(path) as saved:
        arrays = dict(saved)
    arrays["indices"][3] = 10**6
    np.savez(path, **arrays)


def less_of_it(path):
    with np.load(path) as saved:
        arrays = dict(saved)
    np.savez(path, **{name: array for name, array in arrays.items() if name != "z0"})


class Intruder:
    """Unpickling this makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def a_folder(path):
    path.unlink()
    path.mkdir()


def open_to_all(path):
    path.chmod(0o666)


SPOILED = [truncate, flip, empty, foreign_key, out_of_range, less_of_it, open_to_all]


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_file_that_is_not_ours_or_not_whole_is_replaced(folder, models, compiling, spoil):
    right = models(SHAPE)
    (file,) = folder.iterdir()
    spoil(file)
    same(right, models(SHAPE))
    assert len(compiling) == 2
    same(right, models(SHAPE))
    assert len(compiling) == 2
    assert zipfile.is_zipfile(file)


def test_nothing_in_a_file_is_ever_run(folder, models, compiling, tmp_path):
    models(SHAPE)
    (file,) = folder.iterdir()
    with np.load(file) as saved:
        arrays = dict(saved)
    np.savez(
        file, **arrays | {"params_names": np.array([Intruder(tmp_path / "run")], dtype=object)}
    )
    models(SHAPE)
    assert len(compiling) == 2
    assert not (tmp_path / "run").exists()


def test_where_no_file_can_be_kept_the_model_is_compiled_each_time(tmp_path, compiling):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", None):
        assert ModelCache(folder)(SHAPE).n_columns > 0
    assert len(compiling) == 3


def test_a_file_that_cannot_be_replaced_is_passed_over(folder, models):
    models(SHAPE)
    (file,) = folder.iterdir()
    a_folder(file)
    assert models(SHAPE).n_columns > 0
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_a_write_that_breaks_off_leaves_nothing(folder, models, monkeypatch):
    def disk_full(file, key, compiled):
        file.write(b"PK")
        raise OSError("no space left on device")

    monkeypatch.setattr(model_cache, "_write", disk_full)
    assert models(SHAPE).n_columns > 0
    assert list(folder.iterdir()) == []


def test_only_the_newest_files_are_kept_and_no_other_file_is_touched(folder, models, monkeypatch):
    monkeypatch.setattr(model_cache, "KEPT", 2)
    folder.mkdir()
    (folder / "data.npz").touch()
    for age, name in enumerate(["compiled-c.npz", "compiled-b.npz", "compiled-a.npzx1"], start=1):
        (folder / name).touch()
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    models(SHAPE)
    names = {path.name for path in folder.iterdir()}
    assert names > {"data.npz", "compiled-c.npz"}
    assert len(names) == 3
    (newest,) = names - {"data.npz", "compiled-c.npz"}
    same(models(SHAPE), compile_shape(SHAPE))
    assert newest.startswith("compiled-")
    assert newest not in ("compiled-b.npz", "compiled-a.npzx1")


def test_the_folder_is_the_named_one_or_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert cache_folder() == tmp_path / ".cache" / "siteems"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # its standard: to be ignored
    assert cache_folder() == tmp_path / ".cache" / "siteems"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "siteems"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_a_process_that_only_solves_loads_neither_pyomo_nor_scipy(folder, models):
    plan = PlanSolver(models).solve(site_problem(6))
    code = """
import sys
from site_cases import site_problem
import siteems.planning.solver_child as child
solver = child.PlanSolver(child.ModelCache(child.cache_folder()))
print(repr(solver.solve(site_problem(6)).objective))
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"pyomo", "scipy", "pandas", "pydantic", "drivers"}))
"""
    here = str(Path(__file__).parents[1] / "rigs")
    path = os.pathsep.join([here, str(Path(model_cache.__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path, FOLDER_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [repr(plan.objective), "[]"]
