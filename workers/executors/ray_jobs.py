"""The job server of a Ray cluster: what is sent to it runs on the cluster's head.

It is a part of Ray's dashboard, which the head has with ``pip install 'metaopt[submit]'``.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ray.job_submission import JobStatus, JobSubmissionClient
from ray.util.state import list_nodes

from search_spaces.errors import ConfigError, ExecutorError
from workers.executors.ray_cluster import token_advice

#: How long the server's port may take to answer [s].
REACH_SECONDS = 5.0
#: How long a cluster that answers may take to have a head [s].
START_SECONDS = 30.0
#: Time between two questions of :meth:`JobServer.follow` [s].
POLL_SECONDS = 1.0
#: Where Ray would take another address from than the one that was given.
_OTHER_ADDRESSES = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
_PORTS = {"http": 80, "https": 443}
#: They would tell the temporary folder that is sent, and its size.
_TALKERS = ("ray.dashboard.modules.dashboard_sdk", "ray._private.runtime_env.packaging")


class JobServer:
    """The connection to a job server.

    Args:
        address: ``http://host:port``, or https.

    Raises:
        ConfigError: the address reads otherwise.
        ExecutorError: nothing answers there, or it wants a token.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        _check_port(self.address)
        for variable in _OTHER_ADDRESSES:
            os.environ.pop(variable, None)
        for logger in _TALKERS:
            logging.getLogger(logger).setLevel(logging.ERROR)
        with self._asking():
            self._client = JobSubmissionClient(self.address)

    def head_is_here(self) -> bool:
        """Whether the cluster's head is this machine; a tunnel's end is not."""
        return any(_own(node.node_ip) for node in self._heads())

    def _heads(self) -> list[Any]:
        """The head's node; a cluster that has just been started takes seconds to list it."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            with self._asking():
                heads = list_nodes(address=self.address, filters=[("is_head_node", "=", "True")])
            if heads or time.monotonic() > deadline:
                return list(heads)
            time.sleep(POLL_SECONDS)

    def begin(self, stem: str, command: str, folder: Path, environment: Mapping[str, Any]) -> str:
        """Start a job, unless one of the same stem runs.

        Args:
            stem: what the ids of the jobs of one study begin with; a number follows.
            command: for a shell of the head.
            folder: is copied to the cluster; the command begins in the copy.
            environment: further parts of Ray's runtime environment.

        Returns:
            The job's id.

        Raises:
            ExecutorError: a job of that stem runs, or the server does not take this one.
        """
        with self._asking():
            earlier = [j for j in self._client.list_jobs() if _number(j.submission_id, stem)]
            for job in earlier:
                if not job.status.is_terminal():
                    raise _runs_already(str(job.submission_id), self.address)
            number = 1 + max((_number(j.submission_id, stem) for j in earlier), default=0)
            return self._submit(f"{stem}-{number}", command, folder, environment)

    def follow(self, job: str) -> Iterator[str]:
        """What a job prints, as it comes, to its end."""
        shown = 0
        while True:
            with self._asking():
                ended = self._client.get_job_status(job).is_terminal()
                text = self._client.get_job_logs(job)
            yield text[shown:]
            shown = len(text)
            if ended:
                return
            time.sleep(POLL_SECONDS)

    def exit_code(self, job: str) -> tuple[int | None, str]:
        """The exit code of an ended job, and what Ray says of its end; no code if stopped."""
        with self._asking():
            about = self._client.get_job_info(job)
        if about.status == JobStatus.SUCCEEDED:
            return 0, ""
        stopped = about.status == JobStatus.STOPPED
        message = " ".join((about.message or "").split())
        return (None if stopped else about.driver_exit_code or 1), message

    def _submit(self, job: str, command: str, folder: Path, environment: Mapping[str, Any]) -> str:
        wanted = {"working_dir": str(folder), **environment}
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._client.submit_job(entrypoint=command, submission_id=job, runtime_env=wanted)
                return job
            except RuntimeError as failure:
                if "already exists" in str(failure):  # submitted from elsewhere at the same time
                    raise _runs_already(job, self.address) from failure
                if "No available agent" not in str(failure) or time.monotonic() > deadline:
                    raise
            time.sleep(POLL_SECONDS)  # the head has just been started

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except ExecutorError:
            raise
        except Exception as failure:  # Ray and its HTTP library raise a dozen kinds here
            raise ExecutorError(_advice(self.address, failure)) from failure


def _runs_already(job: str, address: str) -> ExecutorError:
    return ExecutorError(
        f"a study runs in one job at a time, and {job} has not ended; wait for it, or end it with "
        f"`ray job stop {job} --address {address}`: the next submit resumes the study"
    )


def _number(job: str | None, stem: str) -> int:
    """The number behind the stem of a job's id; 0 of another study's."""
    number = (job or "").removeprefix(f"{stem}-")
    return int(number) if number.isdecimal() else 0


def _check_port(address: str) -> None:
    """Fail at once where nothing listens: Ray's own requests have no limit of time."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[parts.scheme]
        host = str(parts.hostname)
    except (KeyError, ValueError):
        raise ConfigError(
            f"the address of a job server reads like http://head.example:8265, got {address!r}; "
            "give another --address"
        ) from None
    try:
        socket.create_connection((host, port), timeout=REACH_SECONDS).close()
    except OSError as failure:
        raise ExecutorError(_advice(address, failure)) from failure


def _own(address: str) -> bool:
    """Whether an address is one of this machine's: only those can be bound to."""
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _advice(address: str, failure: Exception) -> str:
    text = str(failure).strip()
    if "token" in text.lower():
        return token_advice(address, another="Invalid authentication token" in text)
    cause = f"{type(failure).__name__}: {(text.splitlines() or [''])[0]}"
    if not isinstance(failure, OSError):
        return f"the job server at {address} must take the request, got {cause}; see its log"
    return (
        f"no job server answers at {address} ({cause}); its head needs `pip install "
        "'metaopt[submit]'` and `ray start --head --include-dashboard=true`, and the port (8265) "
        "must be reached from here"
    )
