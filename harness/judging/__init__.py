"""What a history shows: the single-user model, ownership, and one checker for each kind of anomaly. Pure."""
