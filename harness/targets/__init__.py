"""Targets: the bundled backend in process and over the network, and whatever a user names."""
