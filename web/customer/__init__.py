"""Pages that customers' people reach by a personal link."""
