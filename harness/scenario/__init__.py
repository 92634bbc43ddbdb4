"""What many users do, as data: users, steps, symbols, faults."""
