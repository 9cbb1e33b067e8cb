"""Hands a task to Celery after every 20th visit, from its own thread: Celery is slow to import and redis may be away."""
import queue
import threading
import time

EVERY_VISITS = 20
QUEUE_LIMIT = 10
RETRY_SECONDS = 5.0


class Mailer:
    def __init__(self, worker, services):
        self._worker = worker
        self._services = services
        self._visits = 0
        self._wanted = queue.Queue(QUEUE_LIMIT)
        self._thread = None

    def visited(self):
        self._visits += 1
        if self._visits % EVERY_VISITS != 0:
            return
        try:
            self._wanted.put_nowait(self._visits)
        except queue.Full:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name='mailer', daemon=True)
            self._thread.start()

    def _run(self):
        app = None
        while True:
            visits = self._wanted.get()
            host = self._services.get('redis')
            if host is None:
                continue
            try:
                if app is None or app.host != host:
                    app = Sender(host)
                app.send(self._worker, visits)
            except Exception as error:  # whatever the broker's client raises: the visitor must not notice
                print(f'no task sent: {error}', flush=True)
                app = None
                time.sleep(RETRY_SECONDS)


class Sender:
    def __init__(self, host):
        from celery import Celery

        self.host = host
        self._app = Celery(broker=f'redis://{host}:6379/0')
        self._app.conf.broker_transport_options = {'socket_connect_timeout': 1, 'socket_timeout': 2}

    def send(self, worker, visits):
        self._app.send_task('tasks.thank', args=[worker, visits], retry=False, ignore_result=True)
