"""Lost messages and retries: when the network, not the holder, makes a renewal late.

Failure-detector reading (Chen, Toueg & Aguilera 2002): an expiry of a live holder's lease is a *mistake*; its
rate is the mistake rate, the time between two of them the mistake recurrence time T_MR, the lapse until the
next successful renewal the mistake duration T_M, and 1 - E(T_M)/E(T_MR) the query accuracy P_A.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp

from sim.oracles._checks import (
    require_count,
    require_nonnegative,
    require_positive,
    require_probability,
)


def attempts_before_expiry(ttl: float, cycle: float) -> int:
    """Renewals sent strictly before expiry when one goes out every `cycle` seconds: ceil(L/c) - 1.

    An attempt at exactly the expiry is too late (expiry first). Ratios within 1e-9 of a whole number count as
    whole, so that 0.9 s and 0.3 s meet exactly.
    """
    require_positive(ttl=ttl, cycle=cycle)
    return ceil(ttl / cycle - 1e-9) - 1


def loss_expiry_rate(ttl: float, cycle: float, loss: float) -> float:
    """Expiries per second when each renewal is lost independently with probability `loss`: (1-p) p^n / c.

    n = `attempts_before_expiry`; successes are c / (1-p) seconds apart on average and a share p^n of the gaps
    reaches the expiry. A renewal after expiry revives the lease. The inverse is E(T_MR). `loss` is that of
    the request only: a lost reply has still renewed the lease. Renewal-reward, derived here.
    """
    require_probability(loss=loss)
    return (1 - loss) * loss ** attempts_before_expiry(ttl, cycle) / cycle


def loss_lapse_mean(ttl: float, cycle: float, loss: float) -> float:
    """Mean seconds from expiry to the next successful renewal, E(T_M) = (n+1)c - L + c p/(1-p); loss < 1.

    The first attempt after expiry is at (n+1)c, and each further one is needed with probability p. Derived
    here.
    """
    require_probability(loss=loss)
    if loss == 1:
        raise ValueError("loss = 1: no renewal ever succeeds, the lapse has no end")
    return (attempts_before_expiry(ttl, cycle) + 1) * cycle - ttl + cycle * loss / (1 - loss)


def loss_lease_availability(ttl: float, cycle: float, loss: float) -> float:
    """Share of time the lease is valid, P_A = 1 - E(T_M) / E(T_MR) (Chen et al. 2002); loss < 1."""
    return 1 - loss_lapse_mean(ttl, cycle, loss) * loss_expiry_rate(ttl, cycle, loss)


def attempts_to_run(length: int, loss: float) -> float:
    """Mean number of attempts until `length` losses in a row: (p^-k - 1) / (1 - p) (Feller 1968, XIII.7).

    `loss` must be above 0; with loss 1 the answer is `length`.
    """
    require_count(length=length)
    require_probability(loss=loss)
    require_positive(loss=loss)
    return float(length) if loss == 1 else (loss**-length - 1) / (1 - loss)


def prob_run_within(length: int, attempts: int, loss: float) -> float:
    """Probability of at least one run of `length` losses in a row within `attempts` independent attempts.

    Exact recursion over the length of the current run, whose last state is absorbing (Feller 1968, XIII.7).
    """
    require_count(length=length)
    require_count(minimum=0, attempts=attempts)
    require_probability(loss=loss)
    run, reached = [1.0] + [0.0] * (length - 1), 0.0
    for _ in range(attempts):
        reached += run[-1] * loss
        run = [(1 - loss) * sum(run)] + [loss * p for p in run[:-1]]
    return reached


def roundtrip_loss(loss_up: float, loss_down: float) -> float:
    """Probability that request or reply is lost: q = 1 - (1-p_u)(1-p_d), independent legs."""
    require_probability(loss_up=loss_up, loss_down=loss_down)
    return 1 - (1 - loss_up) * (1 - loss_down)


def needless_giveup(attempts: int, loss_up: float, loss_down: float) -> float:
    """Probability that k failed round trips in a row hide a renewal the server did accept: q^k - p_u^k.

    The holder gives up after k round-trip failures (q^k); the lease expires only if all k *requests* were
    lost (p_u^k). The difference is a holder that stops although its lease was extended. Derived here.
    """
    require_count(attempts=attempts)
    return roundtrip_loss(loss_up, loss_down) ** attempts - loss_up**attempts


def giveup_rate(loss: float, wait: float, backoffs: Sequence[float]) -> float:
    """Give-ups per second of a loop of m = len(backoffs) + 1 attempts, `backoffs[j]` seconds between them.

    After a success the loop waits `wait` seconds and starts again; after m failures it gives up and starts
    again at once. `loss` is that of a round trip, and an attempt takes no time:
    p^m / [sum_{j<m} (1-p) p^j (wait + b_1 + ... + b_j) + p^m (b_1 + ... + b_{m-1})]. Renewal-reward, derived
    here.
    """
    require_probability(loss=loss)
    require_positive(wait=wait)
    for j, backoff in enumerate(backoffs):
        require_nonnegative(**{f"backoffs[{j}]": backoff})
    spent = mean = 0.0
    for j, backoff in enumerate([0.0, *backoffs]):
        spent += backoff
        mean += (1 - loss) * loss**j * (wait + spent)
    given_up = loss ** (len(backoffs) + 1)
    mean += given_up * spent
    if mean == 0:
        raise ValueError(f"loss = {loss} without backoffs: the loop gives up without end in no time")
    return given_up / mean


def storage_loss_rate(restart_rate: float, holders: float) -> float:
    """False terminations per second when each server restart forgets all leases: every holder is killed once.

    Per lease-second the rate is just `restart_rate`, but kills come in batches of `holders`: a Poisson
    interval on their count is far too narrow.
    """
    require_nonnegative(restart_rate=restart_rate, holders=holders)
    return restart_rate * holders


@dataclass(frozen=True)
class GilbertElliott:
    """A channel that turns good and bad in continuous time (Gilbert 1960, Elliott 1963).

    `to_bad`, `to_good` are rates per second (so 1/to_good is the mean burst in seconds); `loss_good`,
    `loss_bad` the loss probabilities in each state. Time, not packets, drives it: renewals are far apart.
    """

    to_bad: float
    to_good: float
    loss_good: float = 0.0
    loss_bad: float = 1.0

    def __post_init__(self) -> None:
        require_positive(to_bad=self.to_bad, to_good=self.to_good)
        require_probability(loss_good=self.loss_good, loss_bad=self.loss_bad)

    @classmethod
    def of(cls, mean_loss: float, burst_mean: float) -> "GilbertElliott":
        """The channel that loses everything in bursts of `burst_mean` seconds and nothing between them."""
        require_positive(burst_mean=burst_mean)
        if not 0 < mean_loss < 1:
            raise ValueError(f"mean_loss = {mean_loss}: must lie between 0 and 1, both excluded")
        return cls(mean_loss / (1 - mean_loss) / burst_mean, 1 / burst_mean)

    @property
    def share_bad(self) -> float:
        """Long-run share of time in the bad state."""
        return self.to_bad / (self.to_bad + self.to_good)

    @property
    def mean_loss(self) -> float:
        """Long-run share of messages lost."""
        return self.all_lost([])

    def all_lost(self, gaps: Sequence[float]) -> float:
        """Probability that len(gaps) + 1 messages, `gaps` seconds apart, are all lost, from a random start.

        pi D prod_i [exp(Q t_i) D] 1 with D = diag(loss_good, loss_bad); the two-state exp(Q t) is
        written out.
        """
        bad = self.share_bad
        good_and_lost, bad_and_lost = (1 - bad) * self.loss_good, bad * self.loss_bad
        for gap in gaps:
            require_nonnegative(gap=gap)
            memory = exp(-(self.to_bad + self.to_good) * gap)
            lost = good_and_lost + bad_and_lost
            now_bad = bad * lost + memory * (bad_and_lost - bad * lost)
            good_and_lost, bad_and_lost = (lost - now_bad) * self.loss_good, now_bad * self.loss_bad
        return good_and_lost + bad_and_lost
