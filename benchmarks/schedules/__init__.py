"""Measurements of the exploration of schedules. Run `python -m benchmarks.schedules`."""
