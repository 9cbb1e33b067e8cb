import os

SECRET_KEY = 'for development only'
DEBUG = True
ALLOWED_HOSTS = ['127.0.0.1', 'localhost']
INSTALLED_APPS = ['guestbook']
ROOT_URLCONF = 'guestbook.urls'
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
USE_TZ = True
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'HOST': '127.0.0.1',
        'PORT': os.environ['DATABASE_PORT'],
        'NAME': 'django',
        'USER': 'django',
        'TEST': {'NAME': 'test'},
    }
}
REDIS = {'host': '127.0.0.1', 'port': int(os.environ['REDIS_PORT'])}
