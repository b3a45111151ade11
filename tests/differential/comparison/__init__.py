"""Our verdicts beside those of other libraries, and the table that explains where they differ."""
