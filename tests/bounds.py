"""How long a test waits for what must happen."""

LONGEST_WAIT = 120.0
"""Seconds. Generous, because the machine may be busy: a test that passes waits only as long as it
must, and one that fails may take its time to say so."""
