"""Presets of real systems: what they are called there, and what it means in a scenario. Data, with its sources."""
