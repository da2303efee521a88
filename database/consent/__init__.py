"""Consent in the database: authorization requests, evidence, SSO connections and domains."""
