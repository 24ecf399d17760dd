"""What to simulate: frozen, validated data, and how it is read from text."""
