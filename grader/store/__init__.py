"""Where attempts, verdicts and marks are kept: append-only, sealed in a chain, with the queue beside them."""

from grader.store.ledger import Signature
from grader.store.queue import JobKey, Queue
from grader.store.store import Store, open_store

__all__ = ["JobKey", "Queue", "Signature", "Store", "open_store"]
