"""Many users at once over real sockets, under Locust, judged while they work.

Locust monkey-patches its process (gevent), so `locustfile`, `controller` and whatever they import that waits are only
ever imported by a locust process; `suite` starts one, and everything that it imports is free of Locust.
"""
