"""People in the database: users, contacts, the IT team, staff; how they sign in and are erased."""
