"""The only caller of a target: performs scenarios, injects faults, listens to taps, records."""
