"""Solving the program with HiGHS: refresh, solve, read back."""
