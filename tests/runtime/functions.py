"""Functions under Lambda's own runtime: the emulator binary that SAM CLI brings, with AWS's runtime client.

Rule: a function sees what Lambda shows it and nothing of this machine: its code as working folder, its layers, the
variables of the template and those that Lambda sets. The interpreter runs without its site-packages, so whatever the
layers lack is missing here too. Hazards: there is no memory limit; and the emulator answers 200 when a handler raised,
502 when a function did not load and plain text when it ran out of time, so failures are read from the body.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.metadata
import json
import os
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx

from local import environment
from local.ports import HOST
from tests.runtime.building import SAM, layers
from tests.template.reading import Template, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.processes import Programs

_PATH = "/2015-03-31/functions/{}/invocations"
_LISTENS_WITHIN_S = 10
WEBHOOK_PATH = "/webhook"


class FunctionFailed(Exception):
    """A function raised or did not start; `answer` is what Lambda would return as its error."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        self.answer = answer


class LambdaFunction:
    """One function of a built template; its runtime starts with the first `invoke` and is kept, as Lambda keeps it."""

    def __init__(
        self, name: str, built: Path, known: Mapping[str, str], extra: Mapping[str, str], folder: Path
    ) -> None:
        template = Template.read(built)
        self.name = name
        self.properties = resolve({**template.functions[name], "Layers": [], "Role": "", "Events": {}}, known)
        self.variables = {key: str(value) for key, value in self.properties["Environment"]["Variables"].items()}
        self.log = folder / f"{name}.log"
        self._code = built.parent / self.properties["CodeUri"]
        self._layers = layers(built, name)
        self._extra = extra
        self._folder = folder
        self._port: int | None = None

    def changed(self, folder: Path, **variables: str) -> Self:
        """Return the same function with other variables; it logs to `folder`."""
        other = copy.copy(self)
        other.variables = {**self.variables, **variables}
        other.log = folder / self.log.name
        other._port = None
        return other

    def environment(self) -> dict[str, str]:
        """Return all that the function's process sees."""
        paths = [*self._layers, runtime_client(self._folder / "runtime")]
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folders are read-only
            "LAMBDA_TASK_ROOT": str(self._code),
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.properties["MemorySize"]),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.properties["Timeout"]),
            "AWS_LAMBDA_LOG_FORMAT": self.properties["LoggingConfig"]["LogFormat"],
            "AWS_LAMBDA_LOG_LEVEL": self.properties["LoggingConfig"]["ApplicationLogLevel"],
            **environment.credentials(),
            **self._extra,
            **self.variables,
        }

    def start(self, programs: Programs) -> Self:
        """Start the runtime if it does not run; the function itself is loaded with its first event."""
        if self._port is None:
            self._port, runtime_port = free_ports(2)
            machine = environment.architecture()
            [rie] = SAM.glob(f".venv/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}")
            programs.start(
                self.name,
                [
                    *(rie, "--log-level", "warning"),
                    *("--runtime-interface-emulator-address", f"{HOST}:{self._port}"),
                    *("--runtime-api-address", f"{HOST}:{runtime_port}"),
                    *(sys.executable, "-S", "-m", "awslambdaric", self.properties["Handler"]),
                ],
                env=self.environment(),
                folder=self._code,
                log=self.log,
            )
        return self

    def invoke(self, event: object) -> Any:
        """Return what the handler returned. Raises FunctionFailed."""
        assert self._port is not None
        url = f"http://{HOST}:{self._port}{_PATH.format('function')}"
        deadline = time.monotonic() + _LISTENS_WITHIN_S
        while True:
            try:
                response = httpx.post(url, json=event, timeout=120, trust_env=False)
            except httpx.ConnectError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                break
        try:
            answer = response.json()
        except ValueError:  # a sentence in plain text: it ran out of time
            raise FunctionFailed({"errorMessage": response.text}) from None
        if isinstance(answer, dict) and answer.keys() & {"errorType", "errorMessage"}:
            raise FunctionFailed(answer)
        return answer


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def runtime_client(folder: Path) -> Path:
    """Return a folder with awslambdaric and what it needs, and nothing else of this environment."""
    if not folder.exists():
        folder.mkdir()
        waiting = ["awslambdaric"]
        while waiting:
            distribution = importlib.metadata.distribution(waiting.pop())
            for requirement in distribution.requires or []:
                if "extra ==" not in requirement:
                    waiting += re.findall(r"^[\w.-]+", requirement)
            for name in {
                file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "__pycache__")
            }:
                (folder / name).symlink_to(str(distribution.locate_file(name)))
    return folder


class Neighbours:
    """Who functions speak to beside Telegram and AWS's stores: Lambda's API, and CloudFormation's answer URL.

    A POST to Lambda's path invokes one of `functions`; the body of each PUT is kept in `answers`. A webhook that is set
    at Telegram leads here too, and takes everything. Hazard: it starts programs in its own thread, which is right only
    while the thread that drives the events waits for the function that asked.
    """

    def __init__(self, functions: Mapping[str, LambdaFunction], programs: Programs) -> None:
        self.answers: list[dict[str, Any]] = []
        neighbours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == WEBHOOK_PATH:  # Telegram delivers what people said before
                    self._answer(b"{}", {})
                    return
                [name] = re.findall(_PATH.format("([^/]+)"), self.path)
                try:
                    answer, headers = functions[name].start(programs).invoke(json.loads(body)), {}
                except FunctionFailed as failure:
                    answer, headers = failure.answer, {"X-Amz-Function-Error": "Unhandled"}
                self._answer(json.dumps(answer).encode(), headers)

            def do_PUT(self) -> None:
                neighbours.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(b"", {})

            def _answer(self, body: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(200)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
