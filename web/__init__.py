"""The pages people meet: login, consent, IT set-up, invitation."""
