"""Go-lives in the database: records, positions, orders, and the outbox to their runs."""
