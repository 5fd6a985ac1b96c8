"""What programs ask: the same use cases as pages and commands, as JSON, described by OpenAPI.

problems   what is said when something goes wrong
answers    ETags, and lists page by page
once       what is sent twice is done once
models     what marks look like
courses, rubrics, marks, remarks, classes, own, proofs   one resource a module
described  the description, made from routes and models
document   all routes, and their description
"""

from grader.web.api.document import ROUTES, SERVER_ROUTES

__all__ = ["ROUTES", "SERVER_ROUTES"]
