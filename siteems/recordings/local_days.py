"""The local day of each time, where clocks may change at midnight."""

from __future__ import annotations

import pandas as pd


def local_days(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The day of each time on its own clock, as a midnight without offset.

    With an offset it would not always exist: in Chile and Lebanon clocks skip the hour after
    midnight in spring, in Cuba that hour occurs twice in autumn.
    """
    return pd.DatetimeIndex(times.tz_localize(None).normalize())
