"""Argument checks of the oracles; each message names the argument, its value and the rule."""


def require_positive(**values: float) -> None:
    """Raise ValueError unless every value is above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} = {value}: must be above 0")


def require_nonnegative(**values: float) -> None:
    """Raise ValueError unless every value is at least 0."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name} = {value}: must not be negative")


def require_probability(**values: float) -> None:
    """Raise ValueError unless every value lies in [0, 1]."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value}: must be between 0 and 1")


def require_count(minimum: int = 1, **values: int) -> None:
    """Raise ValueError unless every value is at least `minimum`."""
    for name, value in values.items():
        if value < minimum:
            raise ValueError(f"{name} = {value}: must be at least {minimum}")


def require_lease(ttl: float, cycle: float, sweep: float = 0.0) -> None:
    """Raise ValueError unless 0 < cycle < ttl and sweep >= 0."""
    require_positive(cycle=cycle)
    require_nonnegative(sweep=sweep)
    if not cycle < ttl:
        raise ValueError(f"cycle = {cycle} and ttl = {ttl}: the cycle must be shorter than the ttl")
