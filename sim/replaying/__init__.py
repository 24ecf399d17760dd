"""Recorded trials of a real system, predicted from how they were set up, and held against how they came out."""
