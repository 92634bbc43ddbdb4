"""The properties suite: fixed programs first, then random programs, then the parts on their own."""
