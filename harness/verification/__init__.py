"""Carries a plan out on a target, from its name to its report; replays and rechecks what was stored."""
