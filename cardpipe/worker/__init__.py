"""Door: the Celery app, the dispatcher and the supervisor."""
