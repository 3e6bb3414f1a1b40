"""`make deb`: a self-contained Debian package. See packaging/README.md."""

from __future__ import annotations

import argparse
import compileall
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DEBIAN: Final = Path(__file__).parent / "debian"
SCRIPTS: Final = ("postinst", "prerm", "postrm")
PLATFORMS: Final = {
    "amd64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64"),
    "arm64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64"),
}
"""Wheels that run on Debian 12, whose C library is 2.36, by architecture of Debian."""
PYTHON: Final = "3.11"
"""Of Debian 12; compiled packages are tied to it."""
LAUNCHER: Final = """\
#!/usr/bin/python3.11 -I
import sys

sys.path.insert(0, "/opt/siteems/lib")
from siteems.cli import main

main()
"""


def build(architecture: str, out: Path) -> Path:
    """Build the package for an architecture of Debian; returns its file.

    Raises `subprocess.CalledProcessError` where pip or dpkg-deb fail.
    """
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        install_python_packages(architecture, Path(scratch), tree / "opt/siteems/lib")
        add_files(tree)
        write_control(tree, version, architecture)
        target = out / f"siteems_{version}_{architecture}.deb"
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", str(tree), str(target)],
            check=True,
        )
    return target


def install_python_packages(architecture: str, scratch: Path, lib: Path) -> None:
    """Our wheel and all that it needs, as pinned in constraints.txt, without running any of it."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheel = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(scratch)]
    subprocess.run([*wheel, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    [ours] = scratch.glob("siteems-*.whl")
    platforms = [f"--platform={name}" for name in PLATFORMS[architecture]]
    target = ["--target", str(lib), "--only-binary=:all:", f"--python-version={PYTHON}"]
    constraints = ["-c", str(ROOT / "constraints.txt")]
    subprocess.run(
        [*pip, "install", *target, *platforms, "--no-compile", *constraints, str(ours)], check=True
    )
    shutil.rmtree(lib / "bin", ignore_errors=True)  # launchers of other packages
    if sys.version_info[:2] == (3, 11):
        # As the folder cannot be written by the service, each start would compile anew.
        compileall.compile_dir(lib, quiet=2, stripdir=str(lib), prependdir="/opt/siteems/lib")


def add_files(tree: Path) -> None:
    """Launcher, service, examples and documentation."""
    launcher = tree / "opt/siteems/bin/siteems"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/siteems").symlink_to("/opt/siteems/bin/siteems")
    unit = tree / "lib/systemd/system/siteems.service"
    unit.parent.mkdir(parents=True)
    text = (ROOT / "docs" / "siteems.service").read_text(encoding="utf-8")
    condition = "[Unit]\nConditionPathExists=/etc/siteems/site.toml\n"
    unit.write_text(text.replace("[Unit]\n", condition), encoding="utf-8")
    shutil.copytree(ROOT / "seeds", tree / "opt/siteems/examples")
    manual = tree / "usr/share/doc/siteems"
    shutil.copytree(ROOT / "docs", manual)
    for name in ("README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, manual)
    shutil.copy(ROOT / "LICENSE", manual / "copyright")


def write_control(tree: Path, version: str, architecture: str) -> None:
    """What dpkg needs to know, and the scripts that it runs."""
    folder = tree / "DEBIAN"
    folder.mkdir()
    size_kb = sum(path.lstat().st_size for path in tree.rglob("*")) // 1024
    control = (DEBIAN / "control").read_text(encoding="utf-8")
    filled = control.format(version=version, architecture=architecture, size_kb=size_kb)
    (folder / "control").write_text(filled, encoding="utf-8")
    for name in SCRIPTS:
        shutil.copy(DEBIAN / name, folder / name)
        (folder / name).chmod(0o755)


def own_architecture() -> str:
    """Of this machine, as Debian calls it."""
    found = subprocess.run(
        ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=sorted(PLATFORMS), help="default: that of this machine")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    args = parser.parse_args()
    print(build(args.arch or own_architecture(), args.out))


if __name__ == "__main__":
    main()
