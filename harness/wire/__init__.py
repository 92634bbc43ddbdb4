"""The wire suite: a running service, seen as its users see it, under the stimuli that reveal real leaks."""
