"""One web worker: `python3 -I -S web.py`, port 8001 + index from LITHOS_NAME (`django/worker.N`).

The socket listens before Django is imported: connections made in between wait in its queue instead of being refused.
"""
import gc
import sys

gc.disable()  # importing 500 modules makes no garbage worth looking for
sys.path[:0] = ['/app', '/usr/lib/python3/dist-packages']

import os
import signal
import socket
import threading
import time

FIRST_PORT = 8001
BACKLOG = 128
# Less than the kill-timeout in worker.yaml: what takes longer is cut off by KILL anyway.
DRAIN_SECONDS = 2.0


def main():
    name = os.environ['LITHOS_NAME']
    listener = listen(FIRST_PORT + int(name.rpartition('.')[2]))
    application = load(name)
    gc.enable()
    gc.freeze()
    serve(listener, application)


def listen(port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((os.environ.get('DEMO_ADDRESS', '0.0.0.0'), port))
    listener.listen(BACKLOG)
    return listener


def load(name):
    import cantal

    from tracker import Tracker
    from visits import state

    state.worker = name
    state.host = os.environ.get('DEMO_HOST') or socket.gethostname()
    state.version = os.environ.get('DEMO_VERSION', 'v1')
    state.pid = os.getpid()
    state.started = str(time.time_ns())
    state.tracker = Tracker('django')
    cantal.start()

    os.environ['DJANGO_SETTINGS_MODULE'] = 'visits.settings'
    from django.apps import apps
    from django.conf import settings

    apps.populate(settings.INSTALLED_APPS)
    from django.core.handlers.wsgi import WSGIHandler

    import visits.urls  # the first request would import it otherwise

    from visits.database import Database
    from visits.mailer import Mailer
    from visits.services import Services

    services = Services()
    state.database = Database(f'{state.host}/{name}', services)
    state.mailer = Mailer(name, services)
    state.database.start()
    return WSGIHandler()


def serve(listener, application):
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Handler(WSGIRequestHandler):
        def log_message(self, *words):
            pass  # nginx and cantal know about requests

        def address_string(self):
            return self.client_address[0]  # no reverse lookup

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True
        in_progress = 0
        lock = threading.Lock()

        def process_request(self, request, client_address):
            with self.lock:
                self.in_progress += 1
            super().process_request(request, client_address)

        def shutdown_request(self, request):
            super().shutdown_request(request)
            with self.lock:
                self.in_progress -= 1

        def server_bind(self):
            self.server_name, self.server_port = self.server_address
            self.setup_environ()

        def server_activate(self):
            pass

    server = Server(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_bind()
    server.set_app(application)
    signal.signal(signal.SIGTERM, leave)
    try:
        server.serve_forever(poll_interval=3600)
    except Leave:
        drain(server)


class Leave(BaseException):
    pass


def leave(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Leave


def drain(server):
    """Takes no more visitors, and lets those that are in finish: nginx asks another worker for the others."""
    server.socket.close()
    deadline = time.monotonic() + DRAIN_SECONDS
    while server.in_progress > 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    os._exit(0)


main()
