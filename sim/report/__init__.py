"""Pictures: `sim.report.charts` of estimates, `sim.report.timeline` of one replication, `sim.report.style.save`.

Every function takes plain data, draws on the axes or figure it is given (or makes one of its own) and returns it;
nothing is shown, printed or kept. matplotlib is imported when something is drawn.
"""
