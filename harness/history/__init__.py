"""What happened, as data: users, events, histories, marks, and the recorder that makes them."""
