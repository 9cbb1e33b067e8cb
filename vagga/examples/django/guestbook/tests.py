from django.test import TestCase

from .views import redis


class BookTest(TestCase):
    def test_entries_stay_and_visits_count(self):
        redis.delete('visits')
        self.client.post('/', {'text': 'I <was> here'})
        page = self.client.get('/')
        self.assertContains(page, 'I &lt;was&gt; here')
        self.assertContains(page, '2 visits')
