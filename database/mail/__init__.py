"""Mail in the database: the ledger, what mails are filled with, and the daily digest."""
