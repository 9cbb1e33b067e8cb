"""The only thread that talks to PostgreSQL.

One persistent connection per worker, whatever the number of request threads; a database that is away must cost
a visitor nothing, so views wait for an answer only a moment and only while the connection is up.
"""
import queue
import threading
import time

RETRY_SECONDS = 1.0
ANSWER_SECONDS = 0.5
QUEUE_LIMIT = 1000


class Job:
    __slots__ = ('done', 'total')

    def __init__(self):
        self.done = threading.Event()
        self.total = None


class Database:
    def __init__(self, worker, services):
        self._worker = worker
        self._services = services
        self._jobs = queue.Queue(QUEUE_LIMIT)
        self._host = None
        self.state = 'connecting'

    def start(self):
        threading.Thread(target=self._run, name='database', daemon=True).start()

    def count_visit(self):
        """Total number of visits of all workers, or None when the database is away."""
        if self.state != 'ready':
            return None
        job = Job()
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return None
        job.done.wait(ANSWER_SECONDS)
        return job.total

    def _run(self):
        while True:
            try:
                self._connect()
                self._answer(self._jobs.get(timeout=RETRY_SECONDS))
            except queue.Empty:
                continue
            except Exception as error:  # any failure of the driver means the same: away, try again
                self._away(error)
                time.sleep(RETRY_SECONDS)

    def _connect(self):
        from django.db import connection

        host = self._services.get('postgres')
        if host is None:
            raise ConnectionError('no host runs PostgreSQL')
        if host == self._host and self.state == 'ready':
            return
        from visits.models import CREATE_TABLE, Visits

        connection.close()
        connection.settings_dict['HOST'] = host
        with connection.cursor() as cursor:
            # Twenty workers meet an empty database at the same moment; only one may create the table.
            cursor.execute('SELECT pg_advisory_lock(22682)')
            cursor.execute(CREATE_TABLE)
            cursor.execute('SELECT pg_advisory_unlock(22682)')
        Visits.objects.get_or_create(worker=self._worker, defaults={'count': 0})
        self._host = host
        self.state = 'ready'

    def _answer(self, job):
        from django.db.models import F, Sum

        from visits.models import Visits

        try:
            if Visits.objects.filter(worker=self._worker).update(count=F('count') + 1) == 0:
                Visits.objects.create(worker=self._worker, count=1)
            job.total = Visits.objects.aggregate(total=Sum('count'))['total']
        finally:
            job.done.set()

    def _away(self, error):
        if self.state != 'away':
            print(f'database is away: {str(error).strip()}', flush=True)
        self.state = 'away'
        self._host = None
        while not self._jobs.empty():
            self._jobs.get_nowait().done.set()
