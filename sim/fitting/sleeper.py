"""One machine, followed through its power log: awake, asleep, or not known which."""

from __future__ import annotations

from sim.fitting.notes import Notes


class Sleeper:
    """Sleeps last from the first sign of one to the first of its end; no sleep goes on through a boot.

    Logs give several signs of one sleep. The same sign twice is another sleep, whose other end is not in the file: that
    time counts as neither awake nor asleep. So does the time from the last line before a boot to the boot.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._before = self._now = 0
        self._since: int | None = None
        self._signs: set[str] = set()
        """Of the present state, seen so far."""
        self._begun = False

    def at(self, now_ns: int) -> None:
        """Go on to the time of the next line."""
        self._notes.seen(now_ns)
        self._before, self._now, self._begun = self._now if self._begun else now_ns, now_ns, True

    def begins(self, sign: str) -> None:
        """Note a sign that a sleep begins."""
        if self._since is not None and sign not in self._signs:
            self._signs.add(sign)
            return
        if self._since is not None:
            self._notes.unsure(self._since, self._now)
        self._since, self._signs = self._now, {sign}

    def stirs(self) -> bool:
        """Note a wake that is part of the sleep around it, if there is one: say whether."""
        if self._since is not None:
            self._signs.clear()  # the next sign of a sleep is of the same one
        return self._since is not None

    def ends(self, sign: str, line: int, text: str) -> None:
        """Note a sign that a sleep has ended."""
        if self._since is None and self._signs and sign not in self._signs:
            self._signs.add(sign)
            return
        if self._since is None:
            self._notes.unsure(self._before, self._now)
        else:
            self._notes.slept(self._since, self._now, line, text)
        self._since, self._signs = None, {sign}

    def boots(self) -> None:
        """Note that the machine starts."""
        self._notes.unsure(self._before if self._since is None else self._since, self._now)
        self._since, self._signs = None, set()

    def finish(self) -> None:
        """Note that the file ends."""
        if self._since is not None:
            self._notes.remark("the file ends during a sleep, which is left out: its length is not known")
            self._notes.unsure(self._since, self._now)
