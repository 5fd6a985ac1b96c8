"""Work in the background: asked for until it is over, given up where nobody waits, its owner's alone."""

from __future__ import annotations

import threading

from grader.errors import RefusedError
from grader.web.jobs import Job, Jobs, Told


def over(job: Job) -> Job:
    assert job.ended.wait(30)
    return job


def test_a_job_tells_how_far_it_is_and_what_came_of_it() -> None:
    go_on = threading.Event()

    def work(told: Told) -> str:
        told(2, 5)
        assert go_on.wait(30)
        return "done"

    jobs = Jobs()
    job = jobs.start("ann", "trial", "text", work)
    while job.of == 0:
        assert not job.ended.wait(0.01)
    assert (job.done, job.of, job.is_over, job.about) == (2, 5, False, "text")
    go_on.set()
    assert over(job).result == "done"
    assert (jobs.find(job.id, "ann"), jobs.find(job.id, "ben"), jobs.find("none", "ann")) == (job, None, None)


def test_a_newer_job_of_the_same_kind_gives_the_older_one_up() -> None:
    newer = threading.Event()
    seen = []

    def work(told: Told) -> str:
        seen.append("began")
        assert newer.wait(30)
        told(1, 1)
        seen.append("went on")
        return "done"

    jobs = Jobs()
    first = jobs.start("ann", "trial", "", work)
    other = jobs.start("ben", "trial", "", lambda told: "ben's")
    second = jobs.start("ann", "trial", "", lambda told: "newer")
    newer.set()
    assert (over(first).failed, over(first).result) == (True, None)
    assert seen == ["began"]
    assert (over(second).result, over(other).result) == ("newer", "ben's")


def test_what_a_use_case_refuses_is_kept_and_our_own_mistake_is_not_shown() -> None:
    def refuses(told: Told) -> None:
        raise RefusedError("not so")

    def breaks(told: Told) -> None:
        raise ValueError("a path of ours")

    jobs = Jobs()
    refused, broken = over(jobs.start("ann", "a", "", refuses)), over(jobs.start("ann", "b", "", breaks))
    assert refused.error is not None and refused.error.what == "not so"
    assert (broken.error, broken.failed, broken.result) == (None, True, None)


def test_old_ones_are_forgotten() -> None:
    jobs = Jobs()
    all_of_them = [over(jobs.start("ann", str(number), "", lambda told: "done")) for number in range(60)]
    found = [jobs.find(job.id, "ann") for job in all_of_them]
    assert found[0] is None and found[-1] is all_of_them[-1]
    assert 50 <= sum(job is not None for job in found) < 60
