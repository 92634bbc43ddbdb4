"""A minimal multi-user agent backend, done well: what a system looks like whose users are isolated.

Rules:
- Importing any module of this package does nothing: no engine, no registry, no global is made.
- What is shared is immutable (classes, settings) or knows whose each part is (hub, slots, storage).
- What belongs to a request is made by `AgentInstanceFactory.scope` and released when that scope ends.

Start with `reference_impl.app.create_app`.
"""
