"""What a go-live does to the world, one class per room it uses."""
