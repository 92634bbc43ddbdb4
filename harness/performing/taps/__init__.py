"""Taps: what a client cannot see, turned into probes by a library's own hooks. A tap never changes what it watches."""
