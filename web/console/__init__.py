"""The console of customer success: organisations, orders, users, contacts and plans."""
