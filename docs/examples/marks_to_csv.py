"""Writes the marks of an assignment to standard output as CSV: a row for each student, a column a criterion.

    GRADER_TOKEN=grader_... python marks_to_csv.py http://127.0.0.1:8310 dl-2026 lab2 > marks.csv

Points that still wait for a person are left empty.
"""

import csv
import json
import os
import sys
from urllib.parse import quote
from urllib.request import Request, urlopen


def ask(url):
    """One answer, and where the next page is."""
    request = Request(url, headers={"Authorization": f"Bearer {os.environ['GRADER_TOKEN']}"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def marks(server, course, assignment):
    """Every mark, page by page."""
    url = f"{server}/api/v1/courses/{quote(course)}/assignments/{quote(assignment)}/marks?limit=200"
    cursor = ""
    while cursor is not None:
        page = ask(f"{url}&cursor={quote(cursor)}")
        yield from page["items"]
        cursor = page["next"]


def main(server, course, assignment):
    found = list(marks(server, course, assignment))
    names = list(dict.fromkeys(line["id"] for mark in found for line in mark["criteria"]))
    table = csv.writer(sys.stdout)
    table.writerow(["student", "points", "out_of", "pending", *names])
    for mark in found:
        waits = {"NEEDS_TA", "MISSING_EVIDENCE", "CHECK_ERROR"}
        points = {line["id"]: "" if line["status"] in waits else line["points"] for line in mark["criteria"]}
        row = [mark[name] for name in ("student", "points", "out_of", "pending")]
        table.writerow([*row, *(points.get(name, "") for name in names)])


if __name__ == "__main__":
    main(*sys.argv[1:])
