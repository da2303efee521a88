"""The way to Microsoft and back."""
