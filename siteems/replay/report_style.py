"""The style sheet of a replay's report."""

STYLE = """
:root { --ink: #1b2733; --soft: #5b6b7a; --line: #d9dfe5; --good: #1f6f54; --bad: #a4262c; }
* { box-sizing: border-box; }
body { font: 15px/1.5 "Helvetica Neue", Arial, "Noto Sans", sans-serif; color: var(--ink); }
body { max-width: 1120px; margin: 24px auto; padding: 0 20px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 32px 0 6px; }
p.soft, td.soft, li { color: var(--soft); } p.soft { margin: 2px 0 14px; }
.top { display: grid; grid-template-columns: 3fr 2fr; gap: 28px; align-items: start; }
.figures { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; }
.figure { border-left: 4px solid var(--line); padding: 2px 12px; }
.figure b { display: block; font-size: 26px; line-height: 1.2; font-weight: 600; }
.figure b { font-variant-numeric: tabular-nums; }
.figure.good { border-color: var(--good); } .figure.bad { border-color: var(--bad); }
.figure span { color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 3px 8px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
ul { margin: 4px 0; padding-left: 18px; } li { font-size: 13px; }
.chart { break-inside: avoid; }
@media print { body { margin: 0; } .top { display: block; } }
"""
