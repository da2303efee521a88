"""What happens in a go-live, in order."""
