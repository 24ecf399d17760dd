"""From what a person saw to a ranked list of causes: each suspect simulated alone, weighed by the evidence."""
