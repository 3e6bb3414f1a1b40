"""The built wheel holds all that an installed siteems needs: packages, maps, seeds, py.typed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_is_complete(unpacked: Path) -> None:
    for name in (
        "siteems/py.typed",
        "optimisation/py.typed",
        "drivers/py.typed",
        "drivers/maps/eastron-sdm630.toml",
        "siteems/_seeds/hangzhou-macro/day.csv",
        "siteems/_seeds/rural-lfp/site.toml",
        "siteems/_seeds/iec104/objects.toml",
        "siteems/platform/pages/index.html",
        "siteems/platform/pages/app.js",
    ):
        assert (unpacked / name).is_file(), name
    assert not (unpacked / "tests").exists()


def test_an_installed_siteems_finds_its_seeds(unpacked: Path, tmp_path: Path) -> None:
    program = (
        "import siteems.config.seeds as s; print(s.__file__); print(s.seed_path('hangzhou-macro'))"
    )
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    module, seed = done.stdout.split()
    assert module.startswith(str(unpacked))
    assert seed == str(unpacked / "siteems" / "_seeds" / "hangzhou-macro")
