"""Serves Moto on a free loopback port, prints the port, and ends when its
standard input closes: so it never outlives the process that started it, not
even one that was killed."""
import logging
import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True)


def watch():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()
print(server.server_port, flush=True)
server.serve_forever()
