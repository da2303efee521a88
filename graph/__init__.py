"""Microsoft as this product sees it: tenant discovery, sign-in, app-only tokens and Graph."""
