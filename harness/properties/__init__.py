"""The properties suite: fixed tours first, then random programs, then the parts on their own."""
