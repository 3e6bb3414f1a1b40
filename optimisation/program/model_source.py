"""Where a solver gets the compiled model of a shape: by default it is compiled in this process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from optimisation.program.compiled import CompiledLP
from optimisation.program.shape import Shape

ModelSource = Callable[[Shape], CompiledLP]
"""Returns the compiled model of a shape. An application may hand in one that keeps files."""


@lru_cache(maxsize=32)
def compile_shape(shape: Shape) -> CompiledLP:
    """Build the Pyomo model of a shape and compile it.

    Takes about 0.15 s for a day of quarter hours, and another 0.4 s and 40 MB the first time,
    when Pyomo is imported. The last 32 shapes (about 0.3 MB each) are kept in memory, so that
    several solvers of one process share them.
    """
    # Imported here, so that a process which gets its models from files never loads Pyomo.
    from optimisation.program.compiler import compile_model
    from optimisation.program.model import build

    return compile_model(build(shape))
