"""A real Prefect beside the simulator: faults injected on loopback, recorded, and compared with what is predicted."""
