"""Moves of users: what a directory holds, the plan, the waves, and the way back."""
