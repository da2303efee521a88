"""What every request passes: security headers, limits, metrics."""
