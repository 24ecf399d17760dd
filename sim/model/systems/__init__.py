"""What is known of the systems that come along: the source of each number, the system's own rules, what is left out."""
