"""The app database: tables, migrations and every query."""
