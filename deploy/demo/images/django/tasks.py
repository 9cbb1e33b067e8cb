"""The Celery worker of the demo: `python3 tasks.py`. One process, one task, one counter."""
import json
import os
import threading
import time

import cantal
from celery import Celery

from tracker import Tracker

SERVICES_FILE = os.environ.get('DEMO_SERVICES', '/conf/services.json')
WAIT_SECONDS = 1.0


def redis_address():
    try:
        with open(SERVICES_FILE, encoding='utf-8') as file:
            return json.load(file).get('redis')
    except (OSError, ValueError):
        return None


def wait_for_redis():
    address = redis_address()
    while address is None:
        time.sleep(WAIT_SECONDS)
        address = redis_address()
    return address


def leave_when_moved(address):
    """Ends the process when redis moves: lithos starts it again and it connects to the new place."""
    while redis_address() in (address, None):
        time.sleep(WAIT_SECONDS)
    print('redis has moved', flush=True)
    os._exit(0)


tracker = Tracker('celery')
cantal.start()
host = wait_for_redis()
app = Celery('tasks', broker=f'redis://{host}:6379/0')
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_transport_options={'socket_connect_timeout': 1, 'socket_timeout': 5},
    task_ignore_result=True,
    worker_send_task_events=False,
)


@app.task(name='tasks.thank')
def thank(worker, visits):
    with tracker.request():
        time.sleep(0.01)
        return f'{worker} was visited {visits} times'


if __name__ == '__main__':
    threading.Thread(target=leave_when_moved, args=[host], daemon=True).start()
    name = os.environ.get('LITHOS_NAME', 'celery/worker.0').replace('/', '-')
    place = os.environ.get('DEMO_HOST', 'host')
    options = ['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'WARNING']
    app.worker_main(['--quiet', 'worker', '--pool', 'solo', '--hostname', f'{name}@{place}', *options])
