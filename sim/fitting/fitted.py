"""`sim.fit`: from files to a piece of a scenario, with everything that was assumed, left out and found on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sim.errors import UsageError, printable
from sim.fitting import snippet
from sim.fitting.checking import check, refuse_the_same, refuse_useless, zone_of
from sim.fitting.laws import SAMPLES_MIN, Fitted, empirical, fits, rounded
from sim.fitting.notes import Options
from sim.fitting.reading import KINDS, Source, read
from sim.model.load import loads
from sim.results.provenance import version
from sim.results.tables import interval, number
from sim.stats import Estimate, proportion_interval, rate_interval
from sim.units import HOUR, SECOND, format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN: Final = 5
"""So many unreadable lines are shown."""
CONSTANT: Final = "constant"
"""What is chosen where all samples are the same."""
_LATE: Final = 1.5
"""A renewal is late that comes after so many median intervals."""
Law = Literal["auto", "empirical", "exponential", "lognormal", "weibull", "pareto"]


@dataclass(frozen=True)
class Sample:
    """Durations of one kind, the laws fitted to them, and what was chosen."""

    what: str
    durations: tuple[int, ...]
    laws: tuple[Fitted, ...]
    chosen: str
    why: str

    @property
    def table(self) -> dict[str, Any] | str:
        """The distribution as a scenario has it, or the one duration."""
        if self.chosen == CONSTANT:
            return format_duration(self.durations[0])
        if self.chosen == "empirical":
            return empirical(self.durations)
        return next(law for law in self.laws if law.name == self.chosen).table()


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What files show, as `sim.fit` returns it. Evaluate it bare for all figures; `snippet` is the TOML."""

    sources: tuple[Source, ...]
    samples: tuple[Sample, ...]
    snippet: str
    """Tables of a scenario, with where they come from."""
    rate: Estimate | None = None
    """Of sleeps, per hour awake."""
    gaps: Fitted | None = None
    """The times awake, held against the exponential law that a rate means."""
    statuses: tuple[tuple[str, int], ...] = ()
    """How renewals were answered."""
    late: int = 0

    @property
    def kind(self) -> str:
        """What the files are."""
        return self.sources[0].kind

    def plot(self) -> Figure:
        """Draw data and laws: distribution functions, and quantiles against quantiles."""
        from sim.report import fits as drawing

        if not any(sample.laws for sample in self.samples):
            raise UsageError("there are no durations that were fitted, so there is nothing to draw")
        curves = [(law.name, law.cdf, law.quantile) for law in self.samples[0].laws]
        seconds = [duration / SECOND for duration in self.samples[0].durations]
        return drawing.against_data(self.samples[0].what, seconds, curves, self.samples[0].chosen)

    def lines(self) -> Iterator[str]:
        """Yield what was read, found and chosen, for people."""
        for source in self.sources:
            yield from _read_lines(source)
        if self.rate is not None:
            yield f"sleeps: {number(self.rate.value)} per hour awake ({interval(self.rate)} at 95 %, n = {self.rate.n})"
        if self.gaps is not None:
            fits_it = "as a constant rate would give" if not self.gaps.rejected else "NOT as a constant rate would give"
            told = f"times awake are {fits_it} (Anderson-Darling {self.gaps.ad:.2f}, p = {self.gaps.ad_p:.2f})"
            yield told + ("; --as-trace replays them as they were" if self.gaps.rejected else "")
        if self.statuses:
            yield "renewals answered: " + ", ".join(f"{status} {count:,}" for status, count in self.statuses)
        if self.late:
            yield f"renewals later than {_LATE} x the median interval: {self.late:,}"
        for sample in self.samples:
            yield from _sample_lines(sample)

    def as_json(self) -> dict[str, Any]:
        """Return all figures as a JSON object."""
        return {
            "kind": self.kind,
            "files": [
                {
                    "name": source.name,
                    "sha256": source.sha256,
                    "lines": source.lines,
                    "used": source.notes.used,
                    "other": source.notes.other,
                    "unreadable": [{"line": bad.line, "why": bad.why} for bad in source.notes.bad],
                    "remarks": source.notes.remarks,
                }
                for source in self.sources
            ],
            "rate": self.rate.as_json() if self.rate else None,
            "statuses": dict(self.statuses),
            "samples": [_sample_json(sample) for sample in self.samples],
            "snippet": self.snippet,
            "leasesim": version(),
        }

    @cached_property
    def text(self) -> str:
        """All lines, then the snippet."""
        return "\n".join([*self.lines(), "", self.snippet])

    def __repr__(self) -> str:
        return self.text


def fit(
    *files: str | os.PathLike[str],
    kind: str | None = None,
    law: Law = "auto",
    as_trace: bool = False,
    zone: str | None = None,
    dark_wakes: Literal["asleep", "awake"] = "asleep",
    column: str | None = None,
    unit: str | None = None,
    dates: Literal["day-first", "month-first"] | None = None,
) -> Fit:
    """Read logs of one kind and fit what they show: sleeps, round trips or renewals.

    Args:
        files: their paths; several are taken together.
        kind: "pmset", "journal", "windows", "prefect", "access" or "latency"; by default found out by content.
        law: "auto" takes the best by Akaike's criterion unless the data reject it, else keeps the values ("empirical").
        as_trace: sleeps are not fitted but replayed as they were.
        zone: of times that have none, such as "Europe/Berlin".
        dark_wakes: whether a maintenance wake of macOS is part of the sleep around it ("asleep") or ends it ("awake").
        column: of a CSV file with several.
        unit: of its numbers: "ns", "us", "ms" or "s".
        dates: what comes first in dates of Windows such as 3/2/2026; by default decided from the whole file.

    Raises:
        UsageError: a file cannot be read, or shows too little; the error says how much is needed.
    """
    check(files, law, dark_wakes, unit, dates)
    options = Options(zone_of(zone), dark_wakes, column, unit, dates)
    sources = tuple(read(Path(file), options, kind) for file in files)
    shows = {KINDS[source.kind].SHOWS for source in sources}
    if len(shows) > 1:
        listed = ", ".join(f"{source.name} is {source.kind}" for source in sources)
        raise UsageError(f"the files show different things: {listed}", "fit them one after another")
    refuse_useless(sources)
    refuse_the_same(sources)
    if shows == {"sleeps"}:
        return _sleeps(sources, law, as_trace)
    if as_trace:
        raise UsageError(
            "only sleeps are replayed as they were", "--law empirical keeps the recorded latencies, each as likely"
        )
    return _latencies(sources, law) if shows == {"latencies"} else _renewals(sources, law)


def _sleeps(sources: Sequence[Source], law: Law, as_trace: bool) -> Fit:
    lengths = [length for source in sources for _, length in source.notes.sleeps]
    if as_trace:
        return _traced(sources, lengths)
    there = "--as-trace replays those there are as they were" if lengths else "it takes a log of several days"
    _enough(len(lengths), "sleep", there)
    awake = sum(source.notes.awake_ns for source in sources)
    if awake <= 0:
        raise UsageError("the files cover no time awake: sleeps have no rate")
    rate = rate_interval(len(lengths), awake / HOUR, "1/h")
    sample = _sample("length of a sleep", lengths, law)
    gaps = _times_awake(sources)
    testable = len(gaps) >= SAMPLES_MIN and len(set(gaps)) > 1
    exponential = next(law for law in fits(gaps) if law.name == "exponential") if testable else None
    figures = f"# {len(lengths)} sleeps in {number(awake / HOUR)} h awake: {_bounded(rate)}"
    body = [*_chosen_lines(sample), figures, *snippet.fault(rate.value, sample.table, None)]
    return Fit(tuple(sources), (sample,), _whole(sources, body), rate, exponential)


def _traced(sources: Sequence[Source], lengths: Sequence[int]) -> Fit:
    if len(sources) > 1:
        raise UsageError("--as-trace takes one file", "a trace is of one machine")
    if not lengths:
        raise UsageError(f"{sources[0].name} shows no sleep to replay")
    notes = sources[0].notes
    start, end = notes.first_ns or 0, notes.last_ns or 0
    trace = [(at - start, length) for at, length in sorted(notes.sleeps)]
    body = [*snippet.traced(start, end), *snippet.fault(None, None, trace)]
    return Fit(tuple(sources), (), _whole(sources, body))


def _latencies(sources: Sequence[Source], law: Law) -> Fit:
    sample = _sample("round trip", _all_latencies(sources), law)
    body = [*_chosen_lines(sample), *snippet.network(sample.table)]
    return Fit(tuple(sources), (sample,), _whole(sources, body))


def _renewals(sources: Sequence[Source], law: Law) -> Fit:
    answers: Counter[str] = sum((source.notes.statuses for source in sources), Counter())
    looked_for = "looked for: POST .../concurrency_limits/leases/ID/renew, and its answer"
    _enough(answers.total(), "renewal", "log for longer" if answers else looked_for)
    body: list[str] = []
    samples: list[Sample] = []
    intervals = sorted(interval for source in sources for interval in source.notes.intervals)
    late = 0
    if len(intervals) >= SAMPLES_MIN:
        median = intervals[len(intervals) // 2]
        late = sum(each > _LATE * median for each in intervals)
        body += [f"# Median of {len(intervals):,} intervals between renewals of one lease; {late:,} came late."]
        body += [*snippet.renewal(round(median, -6) or median), ""]
    latencies = _all_latencies(sources)
    if len(latencies) >= SAMPLES_MIN:
        samples.append(_sample("round trip", latencies, law))
        body += [*_chosen_lines(samples[0]), *snippet.network(samples[0].table), ""]
    errors = {status: count for status, count in answers.items() if status.startswith("5")}
    if errors:
        share = proportion_interval(sum(errors.values()), answers.total())
        body += [f"# Renewals answered by an error of the server: {_bounded(share)}, n = {answers.total():,}."]
        body += [*snippet.server(share.value, int(max(errors, key=lambda status: errors[status]))), ""]
    if not body:
        body = ["# Nothing to set: no times, no latencies, no errors."]
    statuses = tuple(answers.most_common())
    return Fit(tuple(sources), tuple(samples), _whole(sources, body), statuses=statuses, late=late)


def _sample(what: str, durations: Sequence[int], law: Law) -> Sample:
    _enough(len(durations), what, "record more")
    if len(set(durations)) == 1 and law in ("auto", "empirical"):
        return Sample(what, tuple(durations), (), CONSTANT, "all are the same, there is no spread to fit a law to")
    found = fits(durations)
    best = found[0]
    chosen: str
    if law != "auto":
        chosen, why = law, "as asked"
    elif best.rejected:
        chosen = "empirical"
        why = f"the data reject even the best law, {best.name} (Anderson-Darling p = {best.ad_p:.2f})"
    else:
        chosen, why = best.name, f"smallest AIC, not rejected (Anderson-Darling p = {best.ad_p:.2f})"
    return Sample(what, tuple(durations), found, chosen, why)


def _whole(sources: Sequence[Source], body: Sequence[str]) -> str:
    """Return provenance and body, read once by the loader, so that what is pasted can be loaded."""
    text = "\n".join([*snippet.provenance(sources, version()), *body]).rstrip() + "\n"
    loads(text, "the snippet")
    return text


# ---------------------------------------------------------------------- in words


def _read_lines(source: Source) -> Iterator[str]:
    notes = source.notes
    yield f"{source.name}: {KINDS[source.kind].KIND} ({source.how_known})"
    when = ""
    if notes.first_ns is not None and notes.last_ns is not None:
        dated = notes.last_ns > 366 * 24 * HOUR
        when = f", {snippet.moment(notes.first_ns)} to {snippet.moment(notes.last_ns)}" if dated else ", no dates"
    yield f"  {source.lines:,} lines: {notes.used:,} used, {notes.other:,} about other things{when}"
    yield from (f"  {remark}" for remark in notes.remarks)
    if notes.bad:
        yield f"  {len(notes.bad):,} unreadable line{'' if len(notes.bad) == 1 else 's'}, left out:"
        yield from (
            f"    line {bad.line}: {bad.why}: {printable(bad.text[:80])}"
            for bad in sorted(notes.bad, key=lambda bad: bad.line)[:SHOWN]
        )
        if len(notes.bad) > SHOWN:
            yield f"    and {len(notes.bad) - SHOWN:,} more"


def _sample_lines(sample: Sample) -> Iterator[str]:
    ordered = sorted(sample.durations)
    middle, tail = ordered[len(ordered) // 2] / SECOND, ordered[int(0.99 * len(ordered))] / SECOND
    yield f"{sample.what}: n = {len(ordered):,}, median {rounded(middle)}, 99th percentile {rounded(tail)}"
    if zeros := ordered.count(0):
        taken = ": a law takes them as half the shortest other" if sample.laws else ""
        yield f"  {zeros:,} of them are 0, below the resolution of the clock{taken}"
    for law in sample.laws:
        mark = "*" if law.name == sample.chosen else " "
        test = f"AIC {law.aic:,.1f}  KS {law.ks:.3f} (p {law.ks_p:.2f})  AD {law.ad:.2f} (p {law.ad_p:.2f})"
        yield f"  {mark} {law.name:<11}  {test}  {', '.join(law.words())}"
    yield f"  chosen: {sample.chosen}: {sample.why}"


def _chosen_lines(sample: Sample) -> Iterator[str]:
    yield f"# {sample.what}: {sample.chosen}, n = {len(sample.durations):,}; {sample.why}."
    yield from (f"#   {', '.join(law.words())} at 95 %" for law in sample.laws if law.name == sample.chosen)


def _sample_json(sample: Sample) -> dict[str, Any]:
    return {
        "what": sample.what,
        "n": len(sample.durations),
        "chosen": sample.chosen,
        "why": sample.why,
        "laws": [
            {
                "law": law.name,
                "parameters": dict(law.parameters),
                "intervals": {name: list(bounds) for name, bounds in law.intervals.items()},
                "aic": law.aic,
                "ks": law.ks,
                "ks_p": law.ks_p,
                "ad": law.ad,
                "ad_p": law.ad_p,
            }
            for law in sample.laws
        ],
    }


def _bounded(found: Estimate) -> str:
    return f"{number(found.value)} {found.unit} ({interval(found)} at 95 %)"


# ---------------------------------------------------------------------- samples, and whether there are enough


def _all_latencies(sources: Sequence[Source]) -> list[int]:
    return [latency for source in sources for latency in source.notes.latencies]


def _times_awake(sources: Sequence[Source]) -> list[int]:
    """Return the times from one sleep to the next of which all is known to be awake."""
    found = []
    for source in sources:
        known = [(start, start + length, True) for start, length in source.notes.sleeps]
        blocks = sorted(known + [(start, start + length, False) for start, length in source.notes.unknown])
        found += [then[0] - now[1] for now, then in pairwise(blocks) if now[2] and then[2] and then[0] > now[1]]
    return found


def _enough(count: int, what: str, hint: str) -> None:
    if count < SAMPLES_MIN:
        plural = "" if count == 1 else "s"
        raise UsageError(f"{count} sample{plural} of: {what}; at least {SAMPLES_MIN} are needed for a fit", hint)
