"""All routes of the application, one use case a module; each declares who may come.

Those of a course lie below it: a module names them as ``/a/{assignment}/...``, and they are found at
``/c/{course}/a/{assignment}/...``. The few of the server's own lie below none.
"""

from grader.web.pages import (
    account,
    alike,
    audit,
    compare,
    courses,
    entering,
    files,
    grading,
    handing_in,
    lti,
    mails,
    my,
    prechecks,
    provider,
    push,
    queue,
    release,
    remarks,
    rubric,
    setup,
    similar,
    staff,
    students,
    summary,
    untrusted,
    waiting,
    watching,
    workers,
    working,
    works,
)

__all__ = ["ROUTES", "SERVER_ROUTES"]

SERVER_ROUTES = (
    *entering.ROUTES,
    *account.ROUTES,
    *provider.ROUTES,
    *lti.ROUTES,
    *files.ROUTES,
    *watching.ROUTES,
    *working.ROUTES,
    *courses.ROUTES,
    *handing_in.LINK_ROUTES,
)

ROUTES = (
    *works.ROUTES,
    *waiting.ROUTES,
    *grading.ROUTES,
    *alike.ROUTES,
    *students.ROUTES,
    *compare.ROUTES,
    *untrusted.ROUTES,
    *summary.ROUTES,
    *similar.ROUTES,
    *rubric.ROUTES,
    *setup.ROUTES,
    *audit.ROUTES,
    *remarks.ROUTES,
    *release.ROUTES,
    *my.ROUTES,
    *push.ROUTES,
    *queue.ROUTES,
    *workers.ROUTES,
    *staff.ROUTES,
    *mails.ROUTES,
    *handing_in.ROUTES,
    *prechecks.ROUTES,
)
