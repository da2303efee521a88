"""Personal links in the database: which are genuine, how they are renewed and handed off."""
