"""Pure mathematics: dataclasses of numbers in, dataclasses of numbers out.

No files, no environment, no clock, no processes; the one thing loaded from outside Python is the
library of HiGHS.
"""
