"""From what a service says of itself to a first `isolation_target.py`: the work of `harness init`.

The data flows one way: a source (a URL, a file, an application) is read into a `Document`; its operations become
routes, channels and a way to sign in; those become three files. Only `reading` reads anything; only `files` writes.
"""
