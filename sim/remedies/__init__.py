"""What people advise against lost leases, tried one at a time in the same world: it helps, trades or does nothing."""
