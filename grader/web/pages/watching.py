"""For whoever watches the server: is it alive, is it ready, and how much is there to do."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Response, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from grader.errors import StoreError
from grader.web.guards import permits
from grader.web.roles import Permission
from grader.web.site import AnyRequest, Server, server_of

__all__ = ["ROUTES"]


@get("/healthz", opt=permits(Permission.PUBLIC), media_type=MediaType.JSON, sync_to_thread=False)
def health() -> dict[str, Any]:
    """That the server answers; nothing of the course."""
    return {"status": "ok"}


@get("/readyz", opt=permits(Permission.PUBLIC), media_type=MediaType.JSON, sync_to_thread=True)
def ready(request: AnyRequest) -> Response[dict[str, Any]]:
    """Whether pages can be answered: 503 while a database or a place of evidence does not answer."""
    found = [site.store.health() for site in server_of(request).sites.values()]
    parts = {part: all(each.parts[part] for each in found) for part in found[0].parts}
    well = all(parts.values())
    told = {"status": "ready" if well else "not ready"} | {
        name: "ok" if good else "failed" for name, good in parts.items()
    }
    return Response(told, status_code=200 if well else 503, headers={} if well else {"retry-after": "5"})


@get("/metrics", opt=permits(Permission.WATCH), sync_to_thread=True)
def metrics(request: AnyRequest) -> Response[bytes]:
    """Counters in the text format of Prometheus; no person is in it."""
    server = server_of(request)
    registry = CollectorRegistry()
    registry.register(_Loads(server))
    text = generate_latest(server.metrics.registry) + generate_latest(registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Loads(Collector):
    """What is counted in the databases, when it is asked for."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def collect(self) -> list[Metric]:
        """One of each kind; what a database that is away would say is absent."""
        up = GaugeMetricFamily("grader_up", "Whether a part answers.", labels=("course", "part"))
        jobs = GaugeMetricFamily("grader_queue_jobs", "Jobs.", labels=("course", "state"))
        waiting = GaugeMetricFamily(
            "grader_waiting_answers", "Answers that wait for a person.", labels=("course", "assignment")
        )
        newest = GaugeMetricFamily("grader_history_rows", "Rows of the history.", labels=("course",))
        for course, site in self._server.sites.items():
            for part, well in site.store.health().parts.items():
                up.add_metric((course, part), float(well))
            try:
                with site.store.reading() as history:
                    load = history.load()
            except StoreError:
                continue
            for state, number in load.jobs.items():
                jobs.add_metric((course, state), number)
            for assignment, number in load.waiting.items():
                waiting.add_metric((course, assignment), number)
            newest.add_metric((course,), load.newest)
        return [up, jobs, waiting, newest]


ROUTES = (health, ready, metrics)
