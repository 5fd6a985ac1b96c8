"""Who runs notebooks: let in, drained and sent away by those who may do so for every course of the server."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from grader.errors import UsageError
from grader.store.accounts import EnrolmentRecord
from grader.store.signed_in import Comer
from grader.store.workers import Said
from grader.web.roles import Role
from grader.web.site import Server, Site
from grader.workflows.leasing.workers import let_in, workers_view
from tests.unit.web.conftest import SignIn
from tests.web_client import Answer, Client


def post(client: Client, path: str, **fields: str) -> Answer:
    token = client.get("/queue").form_token
    return client.post(path, ("form_token", token), *fields.items())


def test_a_token_is_made_shown_once_used_drained_and_revoked(site: Site, sign_in: SignIn) -> None:
    client = sign_in(Role.INSTRUCTOR, "ann")
    made = post(client, "/workers/let-in", name="gpu-1")
    found = re.search(r"gw_[\w-]+", made.text)
    assert made.status == 200 and found is not None
    known = site.store.workers.of(found[0])
    assert known is not None and (known.name, known.made_by) == ("gpu-1", "ann")
    shown = client.get("/workers").text
    assert found[0] not in shown and "not seen" in shown
    again = post(client, "/workers/let-in", name="gpu-1")
    assert again.status == 422 and "a worker called gpu-1 already" in again.text
    site.store.workers.hear(known.id, Said("host-7", "1.2", 4, 2, "https://head:8787/status"))
    shown = client.get("/workers").text
    assert "idle" in shown and "4 seats" in shown and "2 GPUs" in shown and "host-7" in shown
    assert 'href="https://head:8787/status"' in shown and "at head:8787</a>, as it says" in shown
    assert post(client, "/workers/change", name="gpu-1", step="drain").status == 303
    assert site.store.workers.of(found[0]) is not None
    assert "Let it take work again" in client.get("/workers").text
    assert post(client, "/workers/change", name="gpu-1", step="revoke").status == 303
    assert site.store.workers.of(found[0]) is None
    [gone] = workers_view(site.store, site.store).gone
    assert (gone.name, gone.revoked_by, gone.state) == ("gpu-1", "ann", "revoked")
    twice = post(client, "/workers/change", name="gpu-1", step="revoke")
    assert twice.status == 422 and "revoked already" in twice.text


def test_a_worker_that_says_nothing_more_is_silent_since_its_last_word(site: Site) -> None:
    let_in(site.store, "gpu-1", actor="ann")
    [worker] = site.store.workers.all()
    site.store.workers.hear(worker.id, Said("h", "1", 1, 0))
    site.store.clock = lambda real=site.store.clock: real() + timedelta(minutes=5)  # type: ignore[misc]
    [host] = workers_view(site.store, site.store).hosts
    assert (host.state, host.heard) == ("silent", "5 min")


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "head:8787", "https://u:p@head/", "//head", "ftp://h", "http://[x"]
)
def test_what_is_no_page_elsewhere_is_no_link(site: Site, address: str) -> None:
    let_in(site.store, "gpu-1", actor="ann")
    [worker] = site.store.workers.all()
    site.store.workers.hear(worker.id, Said("h", "1", 1, 0, address))
    [host] = workers_view(site.store, site.store).hosts
    assert host.dashboard == ""


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x00b"])
def test_a_worker_needs_a_name(site: Site, name: str) -> None:
    with pytest.raises(UsageError, match="needs a name"):
        let_in(site.store, name, actor="ann")
    assert site.store.workers.all() == []


@pytest.mark.parametrize("role", [Role.TA, Role.HEAD_TA, Role.AUDITOR])
def test_others_look_and_change_nothing(site: Site, sign_in: SignIn, role: Role) -> None:
    let_in(site.store, "gpu-1", actor="ann")
    client = sign_in(role)
    shown = client.get("/workers").text
    assert "gpu-1" in shown and "Make a token" not in shown and "Revoke" not in shown
    assert post(client, "/workers/change", name="gpu-1", step="revoke").status == 403
    assert post(client, "/workers/let-in", name="gpu-2").status == 403


def test_who_keeps_one_course_lets_no_worker_into_the_others(both: Server, enrolled: SignIn) -> None:
    """A worker gets notebooks of every course that the server shows."""
    client = enrolled(Role.INSTRUCTOR, name="ben")
    assert "Make a token" not in client.get("/workers").text
    refused = post(client, "/workers/let-in", name="gpu-2")
    assert refused.status == 403 and "every course of this server" in refused.text
    assert both.home.store.workers.all() == []
    account = both.home.store.accounts.find("ben")
    assert account is not None
    both.home.store.accounts.enrol(account.id, EnrolmentRecord(course="vision", role=Role.ADMIN.value))
    client.cookies[both.place.cookie] = both.sessions.begin(Comer(account=account.id))
    assert "gw_" in post(client, "/workers/let-in", name="gpu-2").text
