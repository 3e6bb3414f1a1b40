"""Compiled models kept on disk, so that a process that only re-solves never loads the modelling
library.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from optimisation.program.compiled import CompiledLP
from optimisation.program.shape import Shape
from optimisation.solving.highs import version

FOLDER_VARIABLE = "SITEEMS_CACHE"
"""Environment variable that names the folder; without it `siteems` in the user's cache folder
(XDG).
"""

KEPT = 64
"""Files kept, the newest; a site needs one or two, about 200 kB each."""

_ARRAYS = {
    "integer": np.bool_,
    "starts": np.int32,
    "indices": np.int32,
    "z0": np.float64,
    "m_row": np.intp,
    "m_column": np.intp,
    "m_value": np.float64,
}
_PLACES = ("params", "columns", "rows")
_one_at_a_time = threading.Lock()


def compiled_for(shape: Shape) -> CompiledLP:
    """Return the compiled model of a shape: from its file, or compiled and filed.

    A file that is missing, broken, of other code or versions, or open to other users is replaced.
    Where no file can be kept the model is just compiled.
    """
    key = _key(shape)
    with _one_at_a_time:
        path = _path(key)
        kept = _load(path, key) if path else None
        if kept is not None:
            return kept
        # Only now: both load Pyomo.
        from optimisation.program.compiler import compile_model
        from optimisation.program.model import build

        compiled = compile_model(build(shape))
        if path:
            _save(path, key, compiled)
        return compiled


def _key(shape: Shape) -> str:
    """Digest of all that a compiled model depends on."""
    digest = hashlib.sha256(f"{shape!r} numpy {np.__version__} highs {version()}".encode())
    # The whole package and not the model's file alone: nobody has to remember what the model
    # imports.
    for source in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(source.read_bytes())
    pyomo = importlib.util.find_spec("pyomo")  # found and not imported
    if pyomo is not None and pyomo.origin is not None:
        for source in sorted((Path(pyomo.origin).parent / "version").glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def _path(key: str) -> Path | None:
    named, cache = os.environ.get(FOLDER_VARIABLE), os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        base = None
    folder = Path(named) if named else base and base / "siteems"
    return folder / f"compiled-{key}.npz" if folder else None


def _load(path: Path, key: str) -> CompiledLP | None:
    # Whatever is wrong with a file, the model can be compiled.
    with contextlib.suppress(Exception), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022:
            with np.load(file, allow_pickle=False) as saved:
                if str(saved["key"]) == key:
                    places = {
                        name: _places(saved[f"{name}_names"], saved[f"{name}_stops"])
                        for name in _PLACES
                    }
                    arrays = {
                        name: saved[name].astype(kind, copy=False) for name, kind in _ARRAYS.items()
                    }
                    parts: dict[str, Any] = places | arrays
                    return CompiledLP(**parts)
    return None


def _places(names: npt.NDArray[np.str_], stops: npt.NDArray[np.int64]) -> dict[str, slice]:
    edges = [0, *stops.tolist()]
    return {name: slice(*edges[i : i + 2]) for i, name in enumerate(names.tolist())}


def _save(path: Path, key: str, compiled: CompiledLP) -> None:
    # A folder that cannot be written to, or a full disk, only costs time.
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=path.name, dir=path.parent
        )  # readable by its owner alone
        try:
            with os.fdopen(handle, "wb") as file:
                _write(file, key, compiled)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        ours = sorted(path.parent.glob("compiled-*.npz*"), key=lambda file: file.stat().st_mtime)
        for old in ours[:-KEPT]:
            old.unlink(missing_ok=True)


def _write(file: BinaryIO, key: str, compiled: CompiledLP) -> None:
    arrays: dict[str, npt.ArrayLike] = {name: getattr(compiled, name) for name in _ARRAYS}
    for name in _PLACES:
        places: Mapping[str, slice] = getattr(compiled, name)
        arrays[f"{name}_names"] = np.array(list(places), dtype=np.str_)
        arrays[f"{name}_stops"] = np.array(
            [place.stop for place in places.values()], dtype=np.int64
        )
    np.savez(file, allow_pickle=False, key=np.array(key), **arrays)
