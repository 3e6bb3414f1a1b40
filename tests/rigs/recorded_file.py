"""A small recording as a CSV file: constant load, at night, every quarter hour."""

from pathlib import Path

import numpy as np


def written(path: Path, first: str, hours: int, load: str = "3.1") -> Path:
    start = np.datetime64(first)
    lines = ["time,dc_load_kw,pv_kw,outdoor_temp_c"]
    lines += [
        f"{start + np.timedelta64(15 * i, 'm')}+08:00,{load},-0.01,25" for i in range(4 * hours)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
