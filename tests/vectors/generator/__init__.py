"""Generator of the shared test vectors."""
