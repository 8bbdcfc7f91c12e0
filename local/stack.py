"""A stack on your machine: the local AWS, the local Telegram, and the real template deployed to them by sam.

Problem: tests and people need the whole bot, several times side by side, without an account, and gone when they are
done.
Rule: everything of a stack lives below `.run/<aws port>`, is made anew at each start, and goes with it, but the logs.
Builds share `.run/build-<architecture>`: sam keeps there what the layers were built from and rebuilds what has changed;
one stack builds at a time.
Hazard: `sam build --cached` does not know of ARCHITECTURE, hence a folder for each.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

import httpx

from local import environment
from local.aws import STACK_NAME, LocalAws, StackUnusable
from local.bridge.claim import Claimed
from local.bridge.leaving import wind_down
from local.errors import LocalError
from local.front import Front
from local.locks import alone, taken
from local.ports import AWS_READY, HOST, TELEGRAM_READY, Ports
from local.processes import Programs, StepFailed

ROOT = Path(__file__).resolve().parent.parent
_BUCKET = "floodgate-local"
_STARTED_WITHIN_S = 30
_REACHABLE_WITHIN_S = 30
_FREED_WITHIN_S = 20
_POLL_S = 0.1

type Report = Callable[[str], AbstractContextManager[None]]


class DeploymentFailed(LocalError):
    """sam could not deploy; the text has the reasons that CloudFormation was given."""


def silent(_step: str) -> AbstractContextManager[None]:
    """Report nothing of a step."""
    return nullcontext()


class Stack:
    """A deployed bot on this machine, from `start` (or `with`) to `stop`.

    `watch` is the project whose handlers are brought to it when they are saved.
    `report` wraps each step; `parameters` override the template's, beside those that a local stack needs. With `bridge`
    it has the real Telegram in place of the local one.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        root: Path = ROOT,
        watch: Path | None = None,
        report: Report = silent,
        parameters: Mapping[str, str] | None = None,
        bridge: Claimed | None = None,
    ) -> None:
        self.ports = ports
        self.bridge = bridge
        self.root = root
        self.folder = root / ".run" / str(ports.aws)
        self.aws = LocalAws(ports)
        self.telegram_url = f"http://{HOST}:{ports.telegram}"
        self._watch = watch
        #: What to tell of updates that were left when it stopped; "" if there is nothing to tell.
        self.farewell = ""
        self._front = Front.bridge(os.environ, ports, bridge) if bridge else Front.emulator(os.environ, ports)
        self._report = report
        self._architecture = environment.architecture()
        self._builds = root / ".run" / f"build-{self._architecture}"
        self.parameters = {
            "BotToken": self._front.token,
            "TelegramApiUrl": self.telegram_url,
            "AdminChatId": self._front.admin_chat,
            "Architecture": self._architecture,
            "LogLevel": "INFO",
            # The local AWS starts a process for each invocation that finds none idle: forty deliveries at once are
            # forty processes, and four keep a laptop busy.
            "WebhookConnections": "4",
            "WorkerConcurrency": "4",
            **environment.parameters(os.environ),
            **(parameters or {}),
        }
        self._programs = Programs()
        self._lock: IO[str] | None = None
        self._is_bridged = False

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ------------------------------------------------------------------------------------------------------- steps --

    def start(self) -> None:
        """Return once a message to the bot reaches its worker. Raises LocalError; `stop` is due in any case."""
        self._require_known_parameters()
        with self._report("ports"):
            self.ports.require_free()
            self._make_folders()
        with self._report("tools (sam, local AWS)"):
            self._sync("sam")
            self._sync("ministack")
        with self._report(f"local AWS on {self.aws.endpoint}"):
            self._start_aws()
        with self._report(f"{self._front.name} on {self.telegram_url}"):
            self._start_telegram()
        with self._report("sam build"):
            self._build()
        with self._report("sam deploy"):
            self._deploy()
        with self._report("webhook reachable"):
            self._wait_for(f"{self.telegram_url}{TELEGRAM_READY}", "the webhook", _REACHABLE_WITHIN_S)

    def deploy(self, **parameters: str) -> None:
        """Build and deploy again, as the files are now and with these parameters changed from now on.

        Raises LocalError; the parameters then stay as they were.
        """
        before = self.parameters
        self.parameters = {**before, **parameters}
        try:
            self._build()
            self._deploy()
        except LocalError:
            self.parameters = before
            raise

    def stop(self) -> None:
        """Leave no process, and of the files only the logs."""
        if self._lock is None:
            return
        if self._is_bridged:
            with self._report("what was accepted"):
                self.farewell = wind_down(self.telegram_url, self.aws)
        with self._report("stop"):
            self._programs.end()
            for leftover in ("tmp", "s3", "state", "sam"):
                shutil.rmtree(self.folder / leftover, ignore_errors=True)
            shutil.rmtree(self._build_folder, ignore_errors=True)
        self._lock.close()
        self._lock = None

    def check(self) -> None:
        """Raise ProgramEnded if a part of the stack has ended."""
        self._programs.check()

    def _make_folders(self) -> None:
        self.folder.parent.mkdir(exist_ok=True)
        # One that stops has left its ports, and still puts its folder in order.
        otherwise = f"Another `make run` is at work in {self.folder}: stop it, or choose another FLOODGATE_AWS_PORT."
        self._lock = taken(self.folder.with_suffix(".lock"), _FREED_WITHIN_S, otherwise)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)
        self._builds.mkdir(exist_ok=True)
        # Given explicitly, so that no answer of yours to `sam deploy --guided` is used here, and none is written.
        (self.folder / "samconfig.toml").write_text("version = 0.1\n")

    def _sync(self, tool: str) -> None:
        # Its real path, which uv writes into the tool's programs: a copy of the project that shares its tools may go.
        project = (self.root / "tools" / tool).resolve()
        self._programs.run(
            f"uv sync of tools/{tool}",
            [_uv(self.root), "sync", "--quiet", "--locked", "--project", project],
            env=environment.without_aws(os.environ),
            folder=self.root,
            log=self.folder / "tools.log",
        )

    def _start_aws(self) -> None:
        self._programs.start(
            "The local AWS",
            [self._tool("ministack", "python"), self.root / "tools" / "ministack" / "start.py"],
            env=environment.for_aws(os.environ, self.ports, folder=self.folder),
            folder=self.folder,
            log=self.folder / "aws.log",
        )
        self._wait_for(f"{self.aws.endpoint}{AWS_READY}", "the local AWS", _STARTED_WITHIN_S)
        self.aws.client("s3").create_bucket(Bucket=_BUCKET)

    def _start_telegram(self) -> None:
        name = f"the {self._front.name}"
        options: list[str | Path] = ["--stack", self.folder, "--aws-port", str(self.ports.aws)]
        if self._watch is not None:
            options += ["--watch", self._watch]
        self._programs.start(
            name[:1].upper() + name[1:],
            [sys.executable, "-m", "local.page", *options],
            env=self._front.environment,
            folder=self.root,
            log=self.folder / "telegram.log",
        )
        self._wait_for(f"{self.telegram_url}{self._front.ready_path}", name, _STARTED_WITHIN_S)
        self._is_bridged = self.bridge is not None

    def _require_known_parameters(self) -> None:
        """Refuse what sam would take without a word, and drop."""
        known = environment.parameters_of((self.root / "template.yaml").read_text())
        if unknown := sorted(self.parameters.keys() - known):
            raise StackUnusable(f"template.yaml has no parameter {', '.join(unknown)}. It has {', '.join(known)}.")

    def _build(self) -> None:
        with alone(self._builds / "lock"):
            self._sam(
                "build",
                "--cached",
                "--parallel",
                "--cache-dir",
                self._builds / "cache",
                "--build-dir",
                self._build_folder,
            )

    def _deploy(self) -> None:
        template = self._build_folder / "template.yaml"
        started = datetime.now(UTC)
        try:
            self._sam(
                "deploy",
                "--template-file",
                template,
                "--stack-name",
                STACK_NAME,
                "--s3-bucket",
                _BUCKET,
                "--capabilities",
                "CAPABILITY_IAM",
                "--no-confirm-changeset",
                "--no-fail-on-empty-changeset",
                "--no-progressbar",
            )
        except StepFailed as error:
            if reasons := self.aws.failures(started):
                listed = "\n".join(f"    {reason}" for reason in reasons)
                log = self.folder / "deploy.log"
                raise DeploymentFailed(f"sam deploy failed, because\n{listed}\nThe whole of it: {log}") from error
            raise

    def _sam(self, command: str, *options: str | Path) -> None:
        # sam takes an override apart at its spaces, and keeps what is in quotes together.
        overrides = [f'{name}="{value}"' for name, value in self.parameters.items()]
        config: list[str | Path] = ["--config-file", self.folder / "samconfig.toml", "--region", environment.REGION]
        sam = self._tool("sam", "sam")
        self._programs.run(
            f"sam {command}",
            [sam, command, *config, *options, "--parameter-overrides", *overrides],
            env=environment.for_sam(os.environ, self.ports, bin_folder=sam.parent, state=self.folder / "sam"),
            folder=self.root,
            log=self.folder / f"{command}.log",
        )

    def _wait_for(self, url: str, what: str, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        answer = "no answer"
        with httpx.Client(trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline:
                self.check()
                try:
                    response = client.get(url)
                except httpx.TransportError:
                    answer = "no answer"
                else:
                    if response.is_success:
                        return
                    answer = response.text[:500]
                time.sleep(_POLL_S)
        raise StackUnusable(f"After {within_s:.0f} s {url} does not say that {what} is ready, but: {answer}")

    @property
    def _build_folder(self) -> Path:
        return self._builds / str(self.ports.aws)

    def _tool(self, project: str, program: str) -> Path:
        return self.root / "tools" / project / ".venv" / "bin" / program


def _uv(root: Path) -> Path | str:
    ours = root / ".tools" / "uv" / "bin" / "uv"
    return ours if ours.exists() else "uv"
