"""Sweeps: grids of points, who works through them, and the folder that keeps what is done."""
