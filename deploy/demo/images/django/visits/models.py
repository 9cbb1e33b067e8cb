"""How often each worker was visited. One row per worker, so that workers do not wait for each other's row lock."""
from django.db import models


class Visits(models.Model):
    worker = models.CharField(max_length=80, primary_key=True)
    count = models.BigIntegerField(default=0)

    class Meta:
        app_label = 'visits'
        db_table = 'visits'


CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS visits (worker varchar(80) PRIMARY KEY, count bigint NOT NULL)
"""
