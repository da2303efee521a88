"""What operators see of a running process: its log, its metrics, its traces."""
