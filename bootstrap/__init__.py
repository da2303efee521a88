"""How a process is put together, and how it ends."""
