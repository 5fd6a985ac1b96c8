"""Where attempts, verdicts and marks are kept: append-only, sealed in a chain, with the queue beside them.

Rows and transactions of the database stay in here. Workflows and pages ask a `History`, add to a
`WritableHistory`, and get plain records.
"""

from grader.store.course import Course
from grader.store.entering import ANYWHERE
from grader.store.history import History
from grader.store.ledger import Head, Signature
from grader.store.queue import Ask, JobKey, Priority, Queue
from grader.store.results import Result
from grader.store.store import Store, open_store
from grader.store.writable_history import WritableHistory

__all__ = [
    "ANYWHERE",
    "Ask",
    "Course",
    "Head",
    "History",
    "JobKey",
    "Priority",
    "Queue",
    "Result",
    "Signature",
    "Store",
    "WritableHistory",
    "open_store",
]
