"""Personal links in the database: which are genuine, and how they are renewed and handed on."""
