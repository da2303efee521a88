"""The whole stack on one machine, under one supervisor, started in order and stopped together."""
