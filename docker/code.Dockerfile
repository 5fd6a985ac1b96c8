# The collector on top of the wheels: rebuilt in seconds when its code changes.
ARG WHEELS_IMAGE
FROM ${WHEELS_IMAGE}
COPY grader /opt/code/grader
RUN /opt/env/bin/python -m compileall -q /opt/code
ENTRYPOINT ["/opt/env/bin/python", "-m", "grader.collector"]
