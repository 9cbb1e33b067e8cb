"""One web worker: `python3 -I -S web.py`, port 8001 + index from LITHOS_NAME (`django/worker.N`).

The socket listens before Django is imported: connections made in between wait in its queue instead of being refused.
"""
import gc
import sys

gc.disable()  # importing 500 modules makes no garbage worth looking for
sys.path[:0] = ['/app', '/usr/lib/python3/dist-packages']

import os
import socket
import time

FIRST_PORT = 8001
BACKLOG = 128


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
    server.serve_forever(poll_interval=3600)


main()
