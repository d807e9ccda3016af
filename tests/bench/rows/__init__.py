"""The rows of the table, group by group. Each group is a function of a Stand that returns Rows."""

from .django import django
from .herd import herd
from .idle import idle
from .slow import slow
from .stored import stored
from .throughput import throughput
from .worker import worker

# The last one fills Redis.
GROUPS = [throughput, slow, django, herd, idle, worker, stored]
