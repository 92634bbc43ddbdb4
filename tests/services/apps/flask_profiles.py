"""Profiles on Flask and werkzeug's threaded server. Mistake (D3): the user is kept in a `threading.local`.

A thread serves one connection for as long as it is kept alive, and keeps the first user it sees. So it shows only when
one connection carries requests of several users, as those of a proxy do.
"""

from __future__ import annotations

import threading

from flask import Flask, Response, abort, g, jsonify, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.services.apps.listening import announce, is_leaky, when_stdin_ends
from tests.services.apps.notebook import Notebook
from tests.services.apps.tokens import SCHEME, SECRET


class KeepAlive(WSGIRequestHandler):
    """Answers request after request on one connection, which werkzeug's own handler has given up doing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request."""
        answer = Response.from_app(self.server.app, self.make_environ(), buffered=True)
        body = answer.get_data()
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing of requests."""


def signed_in() -> str:
    """Return whose token the request has."""
    try:
        token = request.headers.get("authorization", "").removeprefix(SCHEME)
        return str(URLSafeSerializer(SECRET).loads(token))
    except BadData:
        abort(401)


def make_app(leaky: bool) -> Flask:
    """Return the service."""
    app, book, local = Flask(__name__), Notebook(), threading.local()

    @app.before_request
    def know_the_user() -> None:
        request.get_data()  # what is left unread would be taken for the next request
        g.user = signed_in()
        if leaky:
            local.user = getattr(local, "user", g.user)
            g.user = local.user

    @app.post("/profiles")
    def write() -> tuple[Response, int]:
        text = (request.get_json(silent=True) or {}).get("text")
        if not isinstance(text, str):
            abort(422)
        return jsonify(profile=book.add(g.user, text).shown), 201

    @app.get("/profiles")
    def listed() -> Response:
        return jsonify(profiles=book.of(g.user))

    @app.get("/profiles/<profile>")
    def read(profile: str) -> Response:
        note = book.own(g.user, profile)
        if note is None:
            abort(404)
        return jsonify(profile=note.shown)

    return app


def main() -> None:
    """Serve until told to end."""
    server = make_server("127.0.0.1", 0, make_app(is_leaky()), threaded=True, request_handler=KeepAlive)
    server.daemon_threads = True
    when_stdin_ends(server.shutdown)
    announce(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
