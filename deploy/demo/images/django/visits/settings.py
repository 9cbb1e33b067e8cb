"""Settings of the demo's web application.

One app, no sessions, no middleware: a killed worker has to serve again in a fraction of a second, and most
of that time is spent importing.
"""
import os

SECRET_KEY = 'the demo signs nothing'
DEBUG = False
ALLOWED_HOSTS = ['*']
ROOT_URLCONF = 'visits.urls'
INSTALLED_APPS = ['visits']
MIDDLEWARE = []
USE_I18N = False
USE_L10N = False
USE_TZ = False
LOGGING_CONFIG = None
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'

# HOST is filled in by database.py: PostgreSQL moves to another host when its own is lost.
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': 'postgres',
        'USER': 'demo',
        'HOST': '',
        'PORT': '5432',
        'CONN_MAX_AGE': None,
        # A host that vanished sends no reset: give up on it after 3 s, not after the kernel's 15 minutes.
        'OPTIONS': {'connect_timeout': 1, 'tcp_user_timeout': 3000, 'options': '-c statement_timeout=2000'},
    }
}

# Rendered by verwalter on this host whenever a service moves.
SERVICES_FILE = os.environ.get('DEMO_SERVICES', '/conf/services.json')
