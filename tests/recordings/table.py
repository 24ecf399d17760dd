"""Print how well the model agrees with the recordings: ``python -m tests.recordings.table [REPLICATIONS]``."""

from __future__ import annotations

import sys

from sim.replaying.agreement import agreement
from tests.recordings.agreeing import judged


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    print(agreement(judged(replications)).text().lstrip("\n"))


if __name__ == "__main__":
    main()
