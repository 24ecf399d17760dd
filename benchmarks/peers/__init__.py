"""Other simulators on two models that all can do; each runs in a process of its own (``python -m``).

``mmc``: M/M/3, 2.4 arrivals and 1 departure a unit of time and server; the mean wait in line is kept.
``loop``: 10 holders; each waits 225 s, sends a renewal, and waits for its answer, lognormal latency each way.

Each program prints what it did as JSON: units of work, CPU seconds, and the figure that shows that it did it.
"""
