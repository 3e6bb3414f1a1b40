"""The Debian package: its control file, the scripts, and the tree without the Python packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
sys.path.insert(0, str(PACKAGING))

import deb  # noqa: E402 - from the folder above


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "opt/siteems/lib").mkdir(parents=True)
    deb.add_files(tmp_path)
    deb.write_control(tmp_path, "1.2.3", "arm64")
    return tmp_path


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_dpkg_understands_the_package(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    package = tmp_path_factory.mktemp("out") / "siteems.deb"
    build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(package)]
    subprocess.run(build, check=True, capture_output=True, timeout=60)
    fields = subprocess.run(
        ["dpkg-deb", "--field", str(package), "Version", "Architecture", "Depends"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Version: 1.2.3\nArchitecture: arm64\n" in fields.stdout
    assert "python3 (>= 3.11)" in fields.stdout


@pytest.mark.parametrize("script", deb.SCRIPTS)
def test_scripts_are_shell_and_executable(tree: Path, script: str) -> None:
    path = tree / "DEBIAN" / script
    assert path.stat().st_mode & 0o111 == 0o111
    subprocess.run(["sh", "-n", str(path)], check=True, timeout=10)


def test_the_service_waits_for_a_site_file_and_keeps_its_hardening(tree: Path) -> None:
    unit = (tree / "lib/systemd/system/siteems.service").read_text(encoding="utf-8")
    assert unit.count("ConditionPathExists=/etc/siteems/site.toml") == 1
    assert "ProtectSystem=strict" in unit
    assert (tree / "usr/bin/siteems").readlink() == Path("/opt/siteems/bin/siteems")
    assert (tree / "opt/siteems/examples/hangzhou-macro/site.toml").is_file()


def test_no_script_deletes_the_record(tree: Path) -> None:
    for script in deb.SCRIPTS:
        lines = (tree / "DEBIAN" / script).read_text(encoding="utf-8").splitlines()
        deleting = [line for line in lines if "rm " in line]
        assert not any("/var/lib" in line for line in deleting), script
