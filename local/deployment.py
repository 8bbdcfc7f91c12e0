"""What `make deploy` and `make destroy` need to know of the stack in a real account.

Rule: `sam deploy --guided` wrote its answers to samconfig.toml, and they are what counts here too: the stack's name,
the region, the profile, the parameters.
Hazard: an answer saved under another name than `default`, or not saved at all, is not known here; the options
`--stack-name`, `--region` and `--profile` say it instead.
"""

import json
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.aws import StackUnusable
from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient

DEFAULT_ARCHITECTURE = "arm64"
#: An address of git's: https://host/path.git, ssh://git@host/path.git, git@host:path.git.
_REMOTE = re.compile(
    r"(?:https?://(?:[^@/]+@)?|ssh://git@|git@)(?P<host>github\.com|gitlab\.com)[:/](?P<path>[\w.~/-]+?)(?:\.git)?/?"
)
#: The registrar's own timeout is 90 s; asking twice would register twice.
_PATIENT = Config(read_timeout=100, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Saved:
    """What samconfig.toml says of the deployment. None: it does not say."""

    stack_name: str | None = None
    region: str | None = None
    profile: str | None = None
    parameters: str = ""

    @classmethod
    def read(cls, samconfig: Path) -> Self:
        """Return what the file says; without a file, nothing."""
        if not samconfig.exists():
            return cls()
        default = tomllib.loads(samconfig.read_text()).get("default", {})
        found: dict[str, Any] = {
            **default.get("global", {}).get("parameters", {}),
            **default.get("deploy", {}).get("parameters", {}),
        }
        return cls(
            stack_name=found.get("stack_name"),
            region=found.get("region"),
            profile=found.get("profile"),
            parameters=_as_words(found.get("parameter_overrides", "")),
        )

    def architecture(self, given: str = "") -> str:
        """Return what to build for: what was asked for, else what was deployed last, else arm64."""
        saved = re.findall(r"""(?:^|\s)Architecture=["']?(\w+)""", self.parameters)
        return given or (saved[-1] if saved else DEFAULT_ARCHITECTURE)

    def overrides(self, given: str = "", runbook: str | None = None) -> str:
        """Return the parameters for `sam deploy --parameter-overrides`: the saved ones, with that architecture.

        `runbook` is proposed as RunbookUrl, unless the parameter was answered before.
        """
        proposed = f" RunbookUrl={runbook}" if runbook and "RunbookUrl=" not in self.parameters else ""
        return f"{self.parameters}{proposed} Architecture={self.architecture(given)}".strip()


def runbook_at(remote: str) -> str | None:
    """Return where the runbook of the repository at this address is read; None if it is nowhere that is known."""
    found = _REMOTE.fullmatch(remote.strip())
    if found is None:
        return None
    page = "blob/HEAD" if found["host"] == "github.com" else "-/blob/HEAD"
    return f"https://{found['host']}/{found['path']}/{page}/docs/runbook.md"


def own_runbook(folder: Path) -> str | None:
    """Return where the runbook of the repository in `folder` is read, by its remote `origin`; None if it has none."""
    try:
        said = subprocess.run(
            ["git", "remote", "get-url", "origin"],  # noqa: S607 - whichever git there is
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return runbook_at(said.stdout)


class Deployment:
    """A stack in an account."""

    def __init__(self, name: str, *, cloudformation: "CloudFormationClient", functions: "LambdaClient") -> None:
        self._name = name
        self._cloudformation = cloudformation
        self._functions = functions

    @classmethod
    def of(cls, saved: Saved) -> Self:
        """Return the deployment that was saved. Raises StackUnusable."""
        if saved.stack_name is None:
            raise StackUnusable("samconfig.toml names no stack: deploy with `make deploy`, or give --stack-name.")
        return cls(
            saved.stack_name,
            cloudformation=client(saved, "cloudformation"),
            functions=client(saved, "lambda", config=_PATIENT),
        )

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs by name. Raises StackUnusable."""
        try:
            (stack,) = self._cloudformation.describe_stacks(StackName=self._name)["Stacks"]
        except (BotoCoreError, ClientError) as error:
            raise StackUnusable(f"AWS does not tell of the stack {self._name}: {error}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def output(self, name: str) -> str:
        """Return one of the stack's outputs. Raises StackUnusable."""
        if value := self.outputs().get(name):
            return value
        raise StackUnusable(
            f"The stack {self._name} has no output {name}: is it Floodgate, and its deployment complete?"
        )

    def register(self) -> dict[str, Any]:
        """Return what Telegram has now that webhook and commands are set anew. Raises NotRegistered, StackUnusable."""
        function = self.output("RegistrarFunction")
        try:
            answer = self._functions.invoke(FunctionName=function, Payload=json.dumps({"register": True}).encode())
            found: dict[str, Any] = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise NotRegistered(f"AWS did not run the registrar {function}: {error}") from error
        if "FunctionError" in answer:
            raise NotRegistered(f"The registrar failed: {found.get('errorMessage', found)}")
        if "error" in found:
            raise NotRegistered(found["error"])
        return found

    def retained(self) -> str:
        """Return what stays when the stack is deleted, and how to delete it. Raises StackUnusable."""
        table = self.output("StateTable")
        region = self._cloudformation.meta.region_name
        return f"""
The table {table} with people's data is kept when the stack is deleted. When you want it gone too, for good:

  aws dynamodb delete-table --region {region} --table-name {table}

or delete it in the console, at DynamoDB, Tables. The bucket that sam uploads to, aws-sam-cli-managed-…, is kept too.
"""


class NotRegistered(LocalError):
    """The registrar could not set the webhook; the text is its sentence."""


def client(saved: Saved, service: str, **options: Any) -> Any:
    """Return a client of that service where the deployment is. Raises StackUnusable."""
    try:
        session = boto3.Session(profile_name=saved.profile, region_name=saved.region)
        # The overloads of the stubs want a literal.
        return session.client(service, **options)  # type: ignore[call-overload]
    except BotoCoreError as error:
        raise StackUnusable(f"AWS cannot be asked: {error}") from error


def _as_words(parameters: Any) -> str:
    """Return parameters as one string, in whichever of sam's forms they were written."""
    if isinstance(parameters, dict):
        return " ".join(f'{name}="{value}"' for name, value in parameters.items())
    if isinstance(parameters, list):
        return " ".join(str(each) for each in parameters)
    return str(parameters)
