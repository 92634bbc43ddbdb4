"""How a request travels: in memory, or over real sockets. Knows nothing of users."""
