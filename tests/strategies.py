"""The strategies of these tests are the public ones: `sim.testing.anything`."""

from __future__ import annotations

from sim.testing.anything import *  # noqa: F403 - the same names under the old one
