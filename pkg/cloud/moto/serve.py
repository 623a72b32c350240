"""Serves Moto on a free loopback port, prints the port, and ends when its
standard input closes: so it never outlives the process that started it, not
even one that was killed. Ctrl-C is for that process. With a second argument it
puts the WSGI layer in front that the module "layer" in that folder makes; what
that prints follows the port."""
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)  # before what takes long

import functools
import logging
import os
import sys
import threading

import policies  # noqa: F401  it makes new accounts cheap
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
lines, sys.stdout = sys.stdout, sys.stderr  # what Moto prints is no line of ours


def create(service):
    """A service's emulator, made when it is first asked for: EC2's takes a second to load."""
    if service == "ec2":
        import lacks  # noqa: F401  it completes the emulator
    elif service == "awslambda":
        import lambdas  # noqa: F401
    elif service == "iam":
        import signatures  # noqa: F401
    return create_backend_app(service)


class Dispatcher(DomainDispatcherApplication):
    """Knows a host's service after the first time: to find it, Moto looks at all its folders."""

    @functools.cache
    def get_backend_for_host(self, host):
        return super().get_backend_for_host(host)


dispatch = Dispatcher(create)
turn = threading.RLock()


def app(environ, start_response):
    """Moto's state is not made for several threads: a list that grows while another
    reads it is an error of the server, and what the call did stays done. Whoever
    waits at a queue must let the others pass."""
    if "/sqs/" in environ.get("HTTP_AUTHORIZATION", ""):
        return dispatch(environ, start_response)
    with turn:
        return dispatch(environ, start_response)


if len(sys.argv) > 2:
    sys.path.insert(0, sys.argv[2])
    import layer

    app = layer.wrap(app, lines, precise="precise" in sys.argv[3:])
server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True)


def watch():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()
print(server.server_port, file=lines, flush=True)
server.serve_forever()
