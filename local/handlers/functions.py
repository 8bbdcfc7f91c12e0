"""The stack's functions that run the bot's code: what they have, and how they get other code.

Rule: WorkerFunction and TasksFunction have the same code, always; whoever brings code asks the new one what it handles,
so that the next message finds a worker that is warm. What a worker has in hand when its code changes, it finishes with
the code that it has (tools/ministack/replacement.py), as on AWS.
"""

import json
from typing import TYPE_CHECKING, Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local import environment
from local.aws import LocalAws
from local.errors import LocalError
from local.handlers.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTION = "AWS::Lambda::Function"
WORKER = "WorkerFunction"
TASKS = "TasksFunction"
REGISTRAR = "RegistrarFunction"
_DEPLOYED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

type Json = dict[str, Any]


class FunctionFailed(LocalError):
    """A function, or the AWS that it is in, did not do what it was asked for."""


class Functions:
    """Those of a stack that is deployed. All of it blocks; use it from one thread at a time."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._names: Mapping[str, str] = {}

    def are_deployed(self) -> bool:
        """Say whether the stack is complete."""
        try:
            (stack,) = self._aws.cloudformation.describe_stacks(StackName=self._aws.stack_name)["Stacks"]
        except (BotoCoreError, ClientError):
            return False
        return stack["StackStatus"] in _DEPLOYED

    def names(self) -> "Mapping[str, str]":
        """Return the functions' names by their logical ids."""
        if not self._names:
            self._names = self._aws.physical_ids(_FUNCTION)
        return self._names

    def variables(self) -> dict[str, str]:
        """Return the environment that the worker's code runs in, as its process gets it. Raises FunctionFailed."""
        name = self.names()[WORKER]
        try:
            found = self._aws.functions.get_function_configuration(FunctionName=name)
        except (BotoCoreError, ClientError) as error:
            raise FunctionFailed(f"The local AWS does not tell of {WORKER}: {error}") from error
        return {
            **found.get("Environment", {}).get("Variables", {}),
            **environment.credentials(),
            "AWS_ENDPOINT_URL": self._aws.endpoint,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }

    def code(self) -> Code:
        """Return the code that is deployed. Raises FunctionFailed."""
        try:
            where = self._aws.functions.get_function(FunctionName=self.names()[WORKER])["Code"]["Location"]
            answer = httpx.get(where, trust_env=False, timeout=30).raise_for_status()
        except (BotoCoreError, ClientError, httpx.HTTPError) as error:
            raise FunctionFailed(f"The local AWS does not give the code of {WORKER}: {error}") from error
        return Code.of_zip(answer.content)

    def bring(self, code: Code) -> None:
        """Have both functions run this code from their next invocation on. Raises FunctionFailed."""
        packed = code.zipped()
        for function in (WORKER, TASKS):
            try:
                self._aws.functions.update_function_code(FunctionName=self.names()[function], ZipFile=packed)
            except (BotoCoreError, ClientError) as error:
                raise FunctionFailed(f"The local AWS did not take the code of {function}: {error}") from error

    def describe(self, function: str) -> Json:
        """Return what the function says that the bot handles; it is warm then. Raises FunctionFailed."""
        return self._invoke(function, {"describe": True})

    def register(self) -> Json:
        """Return what Telegram has, now that it knows commands and update types anew. Raises FunctionFailed."""
        said = self._invoke(REGISTRAR, {"register": True})
        if "error" in said:
            raise FunctionFailed(said["error"])
        return said

    def _invoke(self, function: str, event: Json) -> Json:
        try:
            answer = self._aws.functions.invoke(FunctionName=self.names()[function], Payload=json.dumps(event).encode())
            said: Json = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise FunctionFailed(f"The local AWS did not run {function}: {error}") from error
        if "FunctionError" in answer:
            raise FunctionFailed(f"{function} failed: {said.get('errorType')}: {said.get('errorMessage')}")
        return said
