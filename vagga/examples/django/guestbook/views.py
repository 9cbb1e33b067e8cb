from django.conf import settings
from django.http import HttpResponse
from django.utils.html import escape
from django.views.decorators.csrf import csrf_exempt
from redis import Redis

from .models import Entry

redis = Redis(**settings.REDIS)


@csrf_exempt
def book(request):
    if request.method == 'POST':
        Entry.objects.create(text=request.POST['text'])
    visits = redis.incr('visits')
    entries = ''.join(f'<li>{escape(entry.text)}</li>' for entry in Entry.objects.order_by('id'))
    return HttpResponse(
        f'<h1>Guest book</h1><ul>{entries}</ul><p>{visits} visits</p>'
        '<form method="post"><input name="text"><button>Write</button></form>'
    )
