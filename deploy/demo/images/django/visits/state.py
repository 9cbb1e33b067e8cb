"""What one worker process is and holds; filled in by web.py before the first request."""
worker = ''
host = ''
version = ''
pid = 0
started = ''
tracker = None
database = None
mailer = None
