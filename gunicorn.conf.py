"""Gunicorn reads this by itself, under bin/up and in production. WEB_CONCURRENCY sets the number of workers."""

import os

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
max_requests = 50_000  # a worker ends now and then, so that no leak grows for ever; not all at once
max_requests_jitter = 10_000
graceful_timeout = 10
keepalive = 5
timeout = 60
accesslog = None  # requests are logged by the application, with their id and site
control_socket_disable = True  # 25.1 deadlocked on it, and nothing here uses it
