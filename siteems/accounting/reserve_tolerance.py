"""When the backup reserve counts as broken, in a demo day and in a replay alike."""

from __future__ import annotations

RESERVE_TOLERANCE_SOC = 0.005
"""Resolution of the measured state of charge plus one control cycle; the reserve's own margin is
ten times as large.
"""
DISCHARGING_KW = 0.1
"""Beyond this the battery counts as discharging. It is twice the power of a resting battery in
control, so that measurement noise around that limit is not counted as a breach.
"""
