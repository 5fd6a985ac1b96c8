# The collector on top of the wheels: rebuilt in seconds when its code changes.
ARG WHEELS_IMAGE
FROM ${WHEELS_IMAGE}
# One user for each submission that a container can serve; a uid is never used twice.
# A tmpfs takes the mode of the folder that it covers.
RUN for uid in $(seq 20000 20499); do echo "student:x:$uid:$uid::/tmp/home:/bin/sh"; done >> /etc/passwd \
 && mkdir -p /content /data /run/grader \
 && chmod 1777 /content /tmp && chmod 0711 /run/grader
COPY grader /opt/code/grader
RUN /opt/env/bin/python -m compileall -q /opt/code
ENTRYPOINT ["/opt/env/bin/python", "-m", "grader.collector"]
