"""What an instance of HiGHS holds, read back through the same C interface."""

from ctypes import byref, c_double, c_int, c_void_p

import numpy as np

from optimisation.solving.highs import Highs


def held_vectors(highs: Highs, n_columns: int, n_rows: int) -> list[np.ndarray]:
    """Cost, lower and upper bounds of the columns, lower and upper bounds of the rows."""
    arrays = [np.full(size, np.nan) for size in (n_columns,) * 3 + (n_rows,) * 2]
    sizes, sense, offset = [c_int() for _ in range(3)], c_int(), c_double()
    scalars = [byref(number) for number in (*sizes, sense, offset)]
    read = highs._library.Highs_getLp
    read.argtypes = [c_void_p, c_int, *(c_void_p,) * 14]
    assert (
        read(
            highs._handle,
            1,
            *scalars,
            *[array.ctypes.data for array in arrays],
            None,
            None,
            None,
            None,
        )
        == 0
    )
    assert [size.value for size in sizes[:2]] == [n_columns, n_rows]
    return arrays
