"""What happened and why, for people: the story of a replication, and the numbers a protocol is tuned by."""

from sim.story.dangers import dangers
from sim.story.telling import tell, worst_moment
from sim.story.tolerances import tolerances

__all__ = ["dangers", "tell", "tolerances", "worst_moment"]
