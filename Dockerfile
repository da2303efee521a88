# One image for worker, web and shell; docs/deploying.md says how each is run.
# Give the image of Python by its digest where it is built: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/golive
COPY requirements-runtime.lock /
RUN /opt/golive/bin/pip install --require-hashes --only-binary=:all: -r /requirements-runtime.lock

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/golive/bin:$PATH PYTHONUTF8=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent golive
COPY --from=packages /opt/golive /opt/golive
WORKDIR /opt/product
COPY worker.py starter.py settings.py setting_checks.py ./
COPY activities activities
COPY bootstrap bootstrap
COPY commands commands
COPY contracts contracts
COPY database database
COPY graph graph
COPY mail mail
COPY telemetry telemetry
COPY web web
COPY wording wording
COPY workflows workflows
# Now, as nothing can be written later: Temporal's sandbox imports the workflow for each run.
RUN python -m compileall -q .
USER 10001
EXPOSE 8080 8084
ENTRYPOINT ["python"]
CMD ["worker.py"]
