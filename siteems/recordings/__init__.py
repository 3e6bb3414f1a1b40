"""Recorded data, from a file to a checked series.

Every command reads a recording in the same way (`read.py`), one stage per module:

1. `table.py`: the file as a table (CSV, gzipped CSV or Parquet);
2. `column_map.py`: the file's columns and units converted to siteems' own;
3. `timestamps.py`: the time column as instants in UTC;
4. `equal_steps.py`, `sentinels.py` and `unsound_spans.py`: rows at equal steps, without values a
   logger uses for "no value", frozen sensors and copied days;
5. `gap_filling.py`: gaps closed by stated rules, where the use allows it (`hole_limits.py`);
6. `profile.py` or `metered.py`: what the rest of siteems works with.

`inspection.py` and the `*_findings.py` modules report what is wrong with a file and change nothing.
"""
