"""Measurements of speed: ratios taken in one run, never assertions of the ordinary tests."""
