"""Recordings of real systems, and how well the model agrees with them."""
