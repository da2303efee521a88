"""A pretend Microsoft: sign-in, admin consent, tokens and Microsoft Graph, from seeds."""
