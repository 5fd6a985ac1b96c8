"""Where attempts, verdicts and marks are kept: append-only, sealed in a chain, with the queue beside them.

Rows and transactions of the database stay in here. Workflows and pages ask a `History`, add to a
`WritableHistory`, and get plain records.
"""

from grader.store.history import History, WritableHistory
from grader.store.ledger import Signature
from grader.store.queue import JobKey, Queue
from grader.store.results import Result
from grader.store.store import Store, open_store

__all__ = ["History", "JobKey", "Queue", "Result", "Signature", "Store", "WritableHistory", "open_store"]
