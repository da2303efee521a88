"""Consent in the database: browsers sent to Microsoft, what was proven, connections and domains."""
