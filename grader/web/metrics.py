"""What is counted of requests, by the templates of their routes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

__all__ = ["Metrics", "method_of"]

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)


def method_of(name: str) -> str:
    """A method by its name; those that nobody needs are one."""
    return name if name in _METHODS else "other"


class Metrics:
    """What is counted, of one server.

    Attributes:
        registry: Of its own, so that two servers of one process do not count together.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "grader_requests", "Answers.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "grader_request_seconds",
            "Seconds until an answer was sent.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        method = method_of(method)
        self._answers.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
