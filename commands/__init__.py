"""What `starter.py`, the console and the demo do: import, start, steer, read."""
