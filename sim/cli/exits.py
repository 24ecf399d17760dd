"""Exit codes: 0 fine, 1 a criterion failed, 2 bad input, 3 some points failed, 130 interrupted."""

from __future__ import annotations

from typing import Final

FINE: Final = 0
CRITERION: Final = 1
BAD_INPUT: Final = 2
SOME_FAILED: Final = 3
INTERRUPTED: Final = 130
