"""Interval estimators: reference values, the zero cases, and coverage.

Coverage of exact intervals is summed, not simulated. Simulated coverage uses fixed seeds and 3.9 standard
errors, a false-alarm rate below 1e-4 each (six checks).
"""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from sim import stats
from sim.stats import Estimate

REPEATS = 3000


def assert_covers(estimates: list[Estimate], truth: float, slack: float = 0.0) -> None:
    """The share of intervals that hold `truth` is 95 % up to `slack`; false-alarm rate below 1e-4."""
    hits = np.mean([e.low <= truth <= e.high for e in estimates])
    error = math.sqrt(0.95 * 0.05 / len(estimates))
    assert abs(hits - 0.95) <= slack + 3.9 * error, hits


# ---- estimate ---------------------------------------------------------------------------------------------


def test_json_has_no_infinities() -> None:
    unknown = Estimate(math.nan, -math.inf, math.inf, "s", 1, "none", 0.95)
    assert unknown.as_json() == {"estimate": None, "low": None, "high": None, "unit": "s", "n": 1}
    known = stats.mean_interval(np.array([1.0, 2.0, 4.0]), "s")
    assert set(known.as_json()) == {"estimate", "low", "high", "unit", "n"}
    assert json.loads(json.dumps(known.as_json()))["estimate"] == pytest.approx(7 / 3)


def test_half_width_and_reach() -> None:
    skewed = Estimate(2.0, 1.0, 5.0, "s", 10, "by hand", 0.95)
    assert (skewed.half_width, skewed.reach) == (2.0, 3.0)


# ---- means ------------------------------------------------------------------------------------------------


def test_mean_interval_is_student_t_where_nothing_is_skewed() -> None:
    values = [3.0, 4.0, 5.0, 6.0, 7.0]
    estimate = stats.mean_interval(values, "s", confidence=0.9)
    reference = scipy.stats.ttest_1samp(values, 0.0)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(reference.confidence_interval(0.9)))
    assert estimate.p == pytest.approx(reference.pvalue)
    assert estimate.value == pytest.approx(5.0)
    assert (estimate.n, estimate.unit) == (5, "s")


def test_mean_interval_takes_the_skewness_out() -> None:
    """Hall's cubic, written down a second time and inverted by a root finder."""
    values = np.array([0.1, 0.2, 0.3, 0.3, 0.5, 0.9, 1.2, 4.0])
    n, s, skew = len(values), values.std(ddof=1), scipy.stats.skew(values, bias=False)

    def g(theta: float) -> float:
        t = (values.mean() - theta) / s
        return float(t + skew / 3 * t**2 + skew**2 / 27 * t**3 + skew / (6 * n))

    reach = scipy.stats.t.ppf(0.975, n - 1) / math.sqrt(n)
    low, high = (scipy.optimize.brentq(lambda x, end=end: g(x) - end, -50, 50) for end in (reach, -reach))
    found = stats.mean_interval(values, "s")
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.high - found.value > 1.5 * (found.value - found.low)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_p_falls_below_alpha_just_where_the_interval_leaves_zero(confidence: float) -> None:
    rng = np.random.default_rng(9)
    seen = set()
    for _ in range(300):
        a, b = rng.exponential(1.3, 12), rng.exponential(1.0, 12)
        found = stats.paired_difference(a, b, "s", confidence)
        seen.add(outside := not found.low <= 0 <= found.high)
        assert outside == (found.p < 1 - confidence)
    assert seen == {True, False}


def test_mean_interval_covers() -> None:
    rng = np.random.default_rng(1)
    estimates = [stats.mean_interval(rng.normal(7.0, 3.0, 6), "s") for _ in range(REPEATS)]
    assert_covers(estimates, 7.0)


def test_mean_of_too_little() -> None:
    assert math.isnan(stats.mean_interval([], "s").value)
    one = stats.mean_interval([5.0], "s")
    assert (one.value, one.low, one.high) == (5.0, -math.inf, math.inf)
    zeros = stats.mean_interval([0.0] * 20, "s")
    assert (zeros.value, zeros.low, zeros.high) == (0.0, 0.0, math.inf)


def test_paired_difference() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(0.0, 10.0, 25)
    a, b = shared + rng.normal(1.0, 1.0, 25), shared + rng.normal(0.0, 1.0, 25)
    estimate, mean = stats.paired_difference(a, b, "s"), stats.mean_interval(a - b, "s")
    student = scipy.stats.ttest_rel(a, b)
    low, high = student.confidence_interval(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((min(low, mean.low), max(high, mean.high)))
    assert estimate.p == pytest.approx(max(student.pvalue, mean.p))
    same = stats.paired_difference(a, a, "s")
    assert (same.value, same.low, same.high) == (0.0, -math.inf, math.inf)


# ---- ratios -----------------------------------------------------------------------------------------------


def test_ratio_by_hand() -> None:
    few = stats.ratio_interval([1.0, 3.0, 2.0, 2.0], [10.0, 20.0, 10.0, 10.0], "1/h")
    pseudo = np.array([4 * 8 / 50 - 3 * x for x in (7 / 40, 5 / 30, 6 / 40, 6 / 40)])
    assert few.value == pytest.approx(8 / 50)
    assert few.high - few.value == pytest.approx(hall(pseudo, 2)[1] - pseudo.mean())
    assert few.low == pytest.approx(max(0.0, few.value + hall(pseudo, 2)[0] - pseudo.mean()))
    rng = np.random.default_rng(3)
    y, x = rng.normal(5.0, 1.0, 50), rng.uniform(8.0, 12.0, 50)
    many = stats.ratio_interval(y, x, "1/h")
    r, cov = many.value, np.cov(y, x)
    variance = cov[0, 0] - 2 * r * cov[0, 1] + r * r * cov[1, 1]
    expected = scipy.stats.t.ppf(0.975, 48) * math.sqrt(variance / 50) / x.mean()
    assert many.half_width == pytest.approx(expected, rel=0.02)  # hardly skewed
    assert (few.method, many.method) == ("jackknife, skewness-corrected t", "delta method, skewness-corrected t")


def hall(values: "np.ndarray", freedom: int) -> tuple[float, float]:
    """Hall's interval with other degrees of freedom, by a root finder."""
    n, s, skew = len(values), values.std(ddof=1), scipy.stats.skew(values, bias=False)
    reach = scipy.stats.t.ppf(0.975, freedom) / math.sqrt(n)

    def off(t: float, end: float) -> float:
        return float(t + skew / 3 * t**2 + skew**2 / 27 * t**3 + skew / (6 * n) - end)

    ends = [scipy.optimize.brentq(off, -1e3, 1e3, args=(end,)) for end in (reach, -reach)]
    return values.mean() - s * ends[0], values.mean() - s * ends[1]


@pytest.mark.parametrize("n", [20, 40])  # jackknife, delta method; both approximate, hence the slack
def test_ratio_interval_covers(n: int) -> None:
    rng = np.random.default_rng(n)
    estimates = []
    for _ in range(REPEATS):
        hours = rng.uniform(5.0, 30.0, n)
        estimates.append(stats.ratio_interval(rng.poisson(0.8 * hours), hours, "1/h"))
    assert_covers(estimates, 0.8, slack=0.015)


def test_ratio_of_constant_denominators_is_a_mean() -> None:
    values = [3.0, 1.0, 0.5, 2.0, 2.5]
    ratio, mean = stats.ratio_interval(values, [1.0] * 5, "s"), stats.mean_interval(values, "s")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((mean.value, mean.low, mean.high))


def test_ratio_claims_nothing_below_zero_unless_signed() -> None:
    assert stats.ratio_interval([0.0, 0.0, 0.0, 9.0], [1.0] * 4, "s").low == 0.0
    assert stats.ratio_interval([0.0, -1.0, 0.0, 9.0], [1.0] * 4, "s").low < 0.0


def test_zero_numerators_are_never_a_silent_zero() -> None:
    zeros, hours = [0.0] * 10, [100.0] * 10
    incidents = stats.ratio_interval(zeros, hours, "1/h", exposure_unit_events=True)
    assert (incidents.value, incidents.low) == (0.0, 0.0)
    assert incidents.high == pytest.approx(3.689e-3, rel=1e-4)
    sizes = stats.ratio_interval(zeros, hours, "slot-s/h", per_event=60.0)
    assert sizes.high == pytest.approx(60 * incidents.high)
    unknown = stats.ratio_interval(zeros, hours, "slot-s/h")
    assert (unknown.low, unknown.high) == (0.0, math.inf)
    assert unknown.as_json()["high"] is None


@pytest.mark.parametrize("n", [2, 12, 40])
def test_ratios_all_alike_claim_no_certainty(n: int) -> None:
    hours = np.linspace(1.0, 7.0, n)
    same = stats.ratio_interval(0.3 * hours, hours, "s/h")
    assert same.value == pytest.approx(0.3)
    assert (same.low, same.high) == (0.0, math.inf)
    assert same.method == "no interval: the same in every replication"
    shifted = stats.paired_ratio_difference(0.3 * hours, hours, 0.1 * hours, hours, "s/h")
    assert shifted.value == pytest.approx(0.2)
    assert (shifted.low, shifted.high) == (-math.inf, math.inf)
    counted = stats.ratio_interval([2.0] * n, [10.0] * n, "1/h", exposure_unit_events=True)
    garwood = stats.rate_interval(2 * n, 10.0 * n, "1/h")
    assert (counted.low, counted.high, counted.n) == (garwood.low, garwood.high, n)


def test_ratio_of_too_little() -> None:
    for nothing in (stats.ratio_interval([], [], "1/h"), stats.ratio_interval([0.0, 2.0], [0.0, 0.0], "1/h")):
        assert math.isnan(nothing.value)
        assert (nothing.low, nothing.high) == (-math.inf, math.inf)
    one = stats.ratio_interval([3.0], [10.0], "1/h")
    assert (one.value, one.low, one.high) == (3.0 / 10.0, 0.0, math.inf)
    assert stats.ratio_interval([3.0, 0.0], [10.0, 0.0], "1/h").high == math.inf
    counted = stats.ratio_interval([3.0], [10.0], "1/h", exposure_unit_events=True)
    assert (counted.low, counted.high) == pytest.approx((0.061867, 0.876727), rel=1e-4)
    assert counted.n == 1


def test_counts_get_the_wider_interval() -> None:
    spread = [0.0, 30.0, 0.0, 0.0, 28.0, 0.0]
    batched = stats.ratio_interval(spread, [10.0] * 6, "1/h", exposure_unit_events=True)
    assert batched.high == pytest.approx(stats.ratio_interval(spread, [10.0] * 6, "1/h").high)
    even = [1.0, 0.0, 1.0, 1.0, 2.0, 1.0]
    steady = stats.ratio_interval(even, [1.0] * 6, "1/h", exposure_unit_events=True)
    assert steady.high == stats.rate_interval(6, 6.0, "1/h").high


def test_batched_kills_defeat_garwood_but_not_replications() -> None:
    rng = np.random.default_rng(5)
    wide, narrow = [], []
    for _ in range(REPEATS):
        kills = 10.0 * rng.poisson(2.0, 20)
        wide.append(stats.ratio_interval(kills, [1.0] * 20, "1/h", exposure_unit_events=True))
        narrow.append(stats.rate_interval(int(kills.sum()), 20.0, "1/h"))
    assert_covers(wide, 20.0, slack=0.015)
    assert np.mean([e.low <= 20.0 <= e.high for e in narrow]) < 0.6


@pytest.mark.parametrize(("mean", "coverage"), [(0.5, 0.986), (2, 0.983), (5, 0.980), (20, 0.957)])
def test_garwood_coverage_is_exact(mean: float, coverage: float) -> None:
    counts = range(200)
    held = [stats.rate_interval(k, 1.0, "1/h") for k in counts]
    total = sum(scipy.stats.poisson.pmf(k, mean) for k, e in zip(counts, held, strict=True) if e.low <= mean <= e.high)
    assert total == pytest.approx(coverage, abs=2e-3)
    assert total >= 0.95


def test_rate_interval_agrees_with_chi_square() -> None:
    estimate = stats.rate_interval(7, 50.0, "1/h", confidence=0.9)
    low, high = scipy.stats.chi2.ppf(0.05, 14) / 100, scipy.stats.chi2.ppf(0.95, 16) / 100
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.14, low, high))


# ---- paired ratios ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 40])
def test_paired_ratio_difference_covers_and_gains(n: int) -> None:
    rng = np.random.default_rng(100 + n)
    estimates, widths = [], []
    for _ in range(REPEATS):
        hours = rng.uniform(5.0, 15.0, n)
        shared = rng.poisson(2.0 * hours)
        extra, other_hours = rng.poisson(0.5 * hours), hours * rng.uniform(0.95, 1.05, n)
        estimates.append(stats.paired_ratio_difference(shared + extra, hours, shared, other_hours, "1/h"))
        widths.append(stats.ratio_interval(shared, hours, "1/h").half_width)
    assert_covers(estimates, 0.5, slack=0.015)
    assert np.mean([e.half_width for e in estimates]) < np.mean(widths)


def test_paired_ratio_difference_reduces_to_pairs() -> None:
    a, b, ones = [3.0, 5.0, 4.0, 8.0], [2.0, 5.0, 1.0, 6.0], [1.0] * 4
    ratio = stats.paired_ratio_difference(a, ones, b, ones, "s")
    mean = stats.paired_difference(a, b, "s")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((mean.value, mean.low, mean.high))


def test_paired_ratio_difference_of_too_little() -> None:
    a, ones, zeros = [3.0, 5.0], [1.0, 1.0], [0.0, 0.0]
    for same in (
        stats.paired_ratio_difference(a, ones, a, ones, "s"),
        stats.paired_ratio_difference(zeros, ones, zeros, [2.0, 3.0], "s"),
    ):
        assert (same.value, same.low, same.high) == (0.0, -math.inf, math.inf)
    assert math.isnan(stats.paired_ratio_difference(a, zeros, a, ones, "s").value)
    lone = stats.paired_ratio_difference(a, [1.0, 0.0], [2.0, 2.0], [1.0, 0.0], "s")
    assert lone.high == math.inf


Law = Callable[[np.random.Generator, int], "np.ndarray"]

LIKE: dict[str, tuple[Law, int]] = {
    "normal": (lambda rng, n: rng.normal(0.0, 1.0, n), 10),
    "exponential": (lambda rng, n: rng.exponential(1.0, n), 10),
    "lognormal": (lambda rng, n: rng.lognormal(0.0, 1.0, n), 20),
    "one in five, lognormal": (lambda rng, n: (rng.random(n) < 0.2) * rng.lognormal(0.0, 1.0, n), 30),
    "one in ten, exponential": (lambda rng, n: (rng.random(n) < 0.1) * rng.exponential(1.0, n), 100),
    "three in ten, one each": (lambda rng, n: (rng.random(n) < 0.3) * 1.0, 20),
}
"""What two designs see that do not differ, and in how many pairs."""


@pytest.mark.parametrize("law", LIKE)
def test_designs_that_do_not_differ_seldom_seem_to(law: str) -> None:
    """Their differences are symmetric; the skewness of a few is noise, and taking it out missed two or three times as
    often. The p-values keep what Holm needs of them: small ones are no more frequent than they say."""
    draw, n = LIKE[law]
    rng, ones = np.random.default_rng([14, n]), np.ones(n)
    found = [stats.paired_ratio_difference(draw(rng, n), ones, draw(rng, n), ones, "s") for _ in range(1000)]
    assert_covers(found, 0.0, slack=0.02)
    for alpha in (0.05, 0.01, 0.05 / 14):
        assert sum(e.p < alpha for e in found) <= scipy.stats.binom.isf(1e-5, 1000, alpha)


def test_rounding_is_no_difference() -> None:
    """Three in ten of a second, of sums that round differently."""
    rng = np.random.default_rng(14)
    hours, others = rng.integers(1, 1000, 12) * 1.0, rng.integers(1, 1000, 12) * 1.0
    value = (0.3 * hours).sum() / hours.sum() - (0.3 * others).sum() / others.sum()
    assert value != 0  # or there would be nothing to test
    for same in (
        stats.paired_ratio_difference(0.3 * hours, hours, 0.3 * others, others, "s"),
        stats.paired_difference([0.1 + 0.2] * 12, [0.3] * 12, "s"),
    ):
        assert (same.value, same.low, same.high) == (0.0, -math.inf, math.inf)
        assert math.isnan(same.p)
    apart = stats.paired_ratio_difference(0.3 * hours, hours, 0.3000001 * others, others, "s")
    assert apart.p == 2.0**-11
    assert apart.value == pytest.approx(-1e-7)


# ---- proportions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["wilson", "exact"])
@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (7, 20), (20, 20)])
def test_proportion_agrees_with_scipy(k: int, n: int, method: str) -> None:
    estimate = stats.proportion_interval(k, n, method=method)  # type: ignore[arg-type]  # a wrong type is the point
    reference = scipy.stats.binomtest(k, n).proportion_ci(method=method)
    assert (estimate.low, estimate.high) == pytest.approx((reference.low, reference.high))
    assert (estimate.value, estimate.unit, estimate.n) == (k / n, "fraction", n)


def test_proportion_of_nothing() -> None:
    assert stats.proportion_interval(0, 20).high == pytest.approx(0.1611, abs=1e-4)
    nothing = stats.proportion_interval(0, 0)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5])
def test_proportion_coverage_is_exact(p: float) -> None:
    def coverage(method: str) -> float:
        held = [stats.proportion_interval(k, 50, method=method) for k in range(51)]  # type: ignore[arg-type]  # a wrong type is the point
        return float(sum(scipy.stats.binom.pmf(k, 50, p) for k in range(51) if held[k].low <= p <= held[k].high))

    assert coverage("exact") >= 0.95
    assert coverage("wilson") >= 0.90


# ---- how many replications --------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.02, 0.1, 0.5])
def test_replications_needed_is_the_first_precise_number(gamma: float) -> None:
    values = np.random.default_rng(7).exponential(3.0, 12)
    needed = stats.replications_needed(values, gamma)
    variation = values.std(ddof=1) / values.mean()

    def relative_half_width(i: int) -> float:
        return float(scipy.stats.t.ppf(0.975, i - 1) * variation / math.sqrt(i))

    assert needed is not None
    assert needed >= 12
    assert relative_half_width(needed) <= gamma / (1 + gamma)
    assert needed == 12 or relative_half_width(needed - 1) > gamma / (1 + gamma)


def test_replications_needed_without_a_mean() -> None:
    assert stats.replications_needed([0.0] * 12, 0.1) is None
    assert stats.replications_needed([3.0], 0.1) is None
    assert stats.replications_needed([3.0, 3.0], 0.1) == stats.REPLICATIONS_MIN


def test_precision_reached() -> None:
    def estimate(low: float, high: float, n: int = 10) -> Estimate:
        return Estimate(10.0, low, high, "s", n, "by hand", 0.95)

    assert stats.precision_reached(estimate(9.1, 10.9), 0.1)
    assert not stats.precision_reached(estimate(9.0, 11.0), 0.1)  # 0.1 / 1.1 is wanted
    assert not stats.precision_reached(estimate(9.9, 11.0), 0.1)
    assert not stats.precision_reached(estimate(9.9, 10.1, n=9), 0.1)
    assert not stats.precision_reached(stats.mean_interval([0.0] * 50, "s"), 0.1)
    assert not stats.precision_reached(stats.mean_interval([], "s"), 0.1)


def test_sequential_sampling_reaches_its_precision() -> None:
    rng = np.random.default_rng(8)
    errors = []
    for _ in range(300):
        values = list(rng.gamma(4.0, 1.0, 10))
        while not stats.precision_reached(stats.mean_interval(values, "s"), 0.15):
            values.append(rng.gamma(4.0, 1.0))
        errors.append(abs(np.mean(values) - 4.0) / 4.0)
    misses = np.mean(np.array(errors) > 0.15)
    assert misses <= 0.05 + 3.9 * math.sqrt(0.05 * 0.95 / 300)


def test_what_it_would_take() -> None:
    found = Estimate(10.0, 8.0, 11.0, "s", 30, "by hand", 0.95)
    assert stats.needed_for(found, 0.25) == 30  # 0.25 / 1.25 of 10 is what was reached
    assert stats.needed_for(found, 0.1) == math.ceil(30 * (2 / (10 * 0.1 / 1.1)) ** 2)
    assert stats.needed_for(stats.mean_interval([0.0] * 20, "s"), 0.1) is None


# ---- many at once -----------------------------------------------------------------------------------------


def test_holm() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.5, 0.9]) == [1.0, 1.0]
    with_nan = stats.holm([math.nan, 0.02])
    assert math.isnan(with_nan[0])
    assert with_nan[1] == 0.02
    assert stats.holm([]) == []


def test_a_family_of_nothing_seldom_shows_something() -> None:
    """Twelve settings against one that is the same: anything called different is wrong; Bonferroni's intervals too."""
    rng = np.random.default_rng(10)
    wrong = missed = alone = 0
    trials, settings = 400, 12
    for _ in range(trials):
        today = rng.exponential(1.0, 20)
        others = [rng.exponential(1.0, 20) for _ in range(settings)]
        wrong += min(stats.holm([stats.paired_difference(o, today, "s").p for o in others])) < 0.05
        confidence = stats.simultaneous(0.95, settings)
        found = [stats.paired_difference(o, today, "s", confidence) for o in others]
        missed += not all(e.low <= 0 <= e.high for e in found)
        alone += min(stats.paired_difference(o, today, "s").p for o in others) < 0.05
    assert wrong == missed  # the smallest p decides in both
    assert wrong / trials <= 0.05 + 3.9 * math.sqrt(0.05 * 0.95 / trials)
    assert alone / trials > 0.2  # without control


def test_simultaneous_confidence_stays_below_one() -> None:
    assert 1 - 1e-15 < stats.simultaneous(1 - 1e-16, 3) < 1


# ---- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stats.mean_interval([1.0, math.nan], "s"), "values holds nan"),
        (lambda: stats.mean_interval(np.ones((2, 2)), "s"), r"values has shape \(2, 2\)"),
        (lambda: stats.mean_interval([1.0, 2.0], "s", confidence=95), "confidence = 95"),
        (lambda: stats.paired_difference([1.0], [1.0, 2.0], "s"), "a has 1 values and b has 2"),
        (lambda: stats.ratio_interval([1.0], [-1.0], "s"), "denominators has a negative value"),
        (lambda: stats.ratio_interval([0.5], [1.0], "s", exposure_unit_events=True), "whole numbers"),
        (lambda: stats.ratio_interval([0.0], [1.0], "s", per_event=0.0), "per_event = 0.0"),
        (
            lambda: stats.ratio_interval([1.0], [1.0], "s", exposure_unit_events=True, per_event=1.0),
            "exclude each other",
        ),
        (lambda: stats.rate_interval(-1, 1.0, "s"), "count = -1"),
        (lambda: stats.paired_ratio_difference([1.0], [1.0], [1.0] * 2, [1.0] * 2, "s"), "must be paired"),
        (lambda: stats.proportion_interval(3, 2), "k = 3 and n = 2"),
        (lambda: stats.proportion_interval(1, 2, method="wald"), "method = 'wald'"),  # type: ignore[arg-type]  # a wrong type is the point
        (lambda: stats.replications_needed([1.0, 2.0], 0.0), "relative_half_width = 0.0"),
    ],
)
def test_errors_name_the_argument(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_difference_of_rounding_is_none() -> None:
    """Ratios that are one constant come out a bit apart, by how many terms were added."""
    tops, bottoms = np.arange(1, 11) * 0.001, np.arange(1.0, 11.0)
    more = np.arange(4, 14) * 0.001, np.arange(4.0, 14.0)
    assert tops.sum() / bottoms.sum() != more[0].sum() / more[1].sum()
    found = stats.paired_ratio_difference(tops, bottoms, *more, "s")
    assert (found.value, math.isnan(found.p)) == (0.0, True)
    third = np.full(10, 0.1) * 3
    found = stats.paired_difference(third, np.full(10, 0.3), "s")
    assert (found.value, math.isnan(found.p)) == (0.0, True)
