"""A live page on a scenario: `sim.explore` in a notebook, ``leasesim explore`` in a browser.

What the page is about is in `knobs`, `state` and `answers`, plain and tested without a browser; `view` shows it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from sim.errors import UsageError

if TYPE_CHECKING:
    from sim.explorer.view import Explorer
    from sim.results.origins import Source

SEED: Final = 1


def explore(scenario: Source, seed: int = SEED, engine: str = "auto") -> Explorer:
    """Return a live page on a scenario; evaluate it bare in a notebook to see it.

    Args:
        scenario: a scenario, or the name or path of one.
        seed: same seed, same numbers.
        engine: "auto", the compiled one where it can run; all engines give the same results.

    Raises:
        UsageError: the extra `explore` is not installed.
    """
    require()
    from sim.explorer.state import Subject
    from sim.explorer.view import Explorer

    return Explorer(Subject.of(scenario, seed, engine))


def require() -> None:
    """Refuse in one sentence where what shows the page is not installed."""
    if find_spec("panel") is None:
        raise UsageError("the live page needs Panel, which is not installed", "pip install 'leasesim[explore]'")
