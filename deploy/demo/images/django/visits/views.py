from django.http import HttpResponse

from visits import state

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>visits</title><style>
body {{ font: 18px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem; {style} }}
b {{ font-size: 2.5rem; display: block }}
</style></head><body>
<p>This page was made by <b>{worker} on {host}</b> page version {version}, process {pid}</p>
<p>database: {database}</p>
<p>visits counted by all workers: {visits}</p>
</body></html>
"""
STYLES = {'v2': 'background: #123; color: #cde'}


def home(request):
    """Counts the visit; answers 200 with or without a database."""
    with state.tracker.request():
        visits = state.database.count_visit()
        state.mailer.visited()
        database = 'away' if visits is None and state.database.state != 'connecting' else state.database.state
        body = PAGE.format(
            worker=state.worker,
            host=state.host,
            version=state.version,
            pid=state.pid,
            database=database,
            visits='unknown' if visits is None else visits,
            style=STYLES.get(state.version, ''),
        )
        answer = HttpResponse(body)
        answer['X-Demo-Worker'] = f'{state.host}/{state.worker}'
        answer['X-Demo-Version'] = state.version
        answer['X-Demo-Started'] = state.started
        answer['X-Demo-Database'] = database
        return answer
