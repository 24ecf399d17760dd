"""The simulator against every closed form of `sim.oracles`.

One file a family of formulas. Each `case` builds a world simple enough to be solved on paper, simulates it and yields
rows: what the formula says, what the simulation says, from how many observations, and how far apart they are in
standard errors. A row fails at a false-alarm rate of `checks.LEVEL` = 1e-4; there are at most `checks.ROWS_MAX` = 100
rows, so by Bonferroni's inequality the whole table would raise a false alarm with a probability of at most 1 % if the
seed were drawn anew. It is fixed, so a table that passes once passes always.

``python -m tests.verification.table`` prints the table.
"""
