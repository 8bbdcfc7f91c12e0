"""The functions that run the bot's code, on an AWS that answers as told."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from local.handlers.code import Code, File
from local.handlers.functions import FunctionFailed, Functions

CODE = Code({"app.py": File(b"1")})
GONE = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")


class Aws:
    """A stack with the three functions; `says` is what is answered to an invocation, or raised."""

    stack_name = "floodgate-local"
    endpoint = "http://127.0.0.1:4566"

    def __init__(self, says: object = None, status: str = "UPDATE_COMPLETE") -> None:
        self.says = says
        self.status = status
        self.updated: dict[str, bytes] = {}
        self.invoked: list[tuple[str, object]] = []
        self.functions = self.cloudformation = self

    def describe_stacks(self, **_order: Any) -> dict[str, Any]:
        """Return the stack's status."""
        if not self.status:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.status}]}

    def physical_ids(self, _type: str) -> dict[str, str]:
        """Return the functions' names."""
        return {name: f"floodgate-{name}" for name in ("WorkerFunction", "TasksFunction", "RegistrarFunction")}

    def get_function_configuration(self, **_order: Any) -> dict[str, Any]:
        """Return the worker's settings."""
        return {"MemorySize": 512, "Environment": {"Variables": {"BOT_ID": "7"}}}

    def update_function_code(self, *, FunctionName: str, ZipFile: bytes) -> None:  # noqa: N803 - AWS's words
        """Take the code."""
        self._fail()
        self.updated[FunctionName] = ZipFile

    def get_function(self, **_order: Any) -> dict[str, Any]:
        """Say where the code is."""
        self._fail()
        return {"Code": {"Location": "http://127.0.0.1:4566/code"}}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - AWS's words
        """Answer as told."""
        self._fail()
        self.invoked.append((FunctionName, json.loads(Payload)))
        answer: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(self.says).encode())}
        if isinstance(self.says, dict) and "errorType" in self.says:
            answer["FunctionError"] = "Unhandled"
        return answer

    def _fail(self) -> None:
        if isinstance(self.says, Exception):
            raise self.says


def functions(aws: Aws) -> Functions:
    """Return the functions of that AWS."""
    return Functions(aws)  # type: ignore[arg-type] # it has what is asked of it


@pytest.mark.parametrize(
    ("status", "are"),
    [("", False), ("CREATE_IN_PROGRESS", False), ("ROLLBACK_COMPLETE", False), ("CREATE_COMPLETE", True)],
)
def test_a_stack_is_deployed_once_it_is_complete(status: str, are: bool) -> None:  # noqa: FBT001 - a case
    """Not before it is there, nor half made, nor taken back."""
    assert functions(Aws(status=status)).are_deployed() is are


def test_both_functions_get_the_code() -> None:
    """The same zip."""
    aws = Aws()
    functions(aws).bring(CODE)
    assert aws.updated == dict.fromkeys(("floodgate-WorkerFunction", "floodgate-TasksFunction"), CODE.zipped())


def test_the_code_that_they_have_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """From where AWS says that it is."""
    request = httpx.Request("GET", "http://127.0.0.1:4566/code")
    monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, content=CODE.zipped(), request=request))
    assert functions(Aws()).code() == CODE


def test_they_are_asked_what_they_handle_and_the_registrar_registers() -> None:
    """With the events that a deployment uses; what is said is returned."""
    aws = Aws({"commands": []})
    assert functions(aws).describe("WorkerFunction") == {"commands": []}
    functions(aws).register()
    assert aws.invoked == [
        ("floodgate-WorkerFunction", {"describe": True}),
        ("floodgate-RegistrarFunction", {"register": True}),
    ]


def test_code_sees_the_variables_of_the_function_and_the_local_aws() -> None:
    """And no account of anybody's."""
    variables = functions(Aws()).variables()
    assert variables["BOT_ID"] == "7"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert variables["AWS_ACCESS_KEY_ID"] == "test"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "floodgate-WorkerFunction"


def test_what_fails_is_a_sentence() -> None:
    """Of the function, of the registrar, or of an AWS that is gone."""
    with pytest.raises(FunctionFailed, match="WorkerFunction failed: ImportError: no beans"):
        functions(Aws({"errorType": "ImportError", "errorMessage": "no beans"})).describe("WorkerFunction")
    with pytest.raises(FunctionFailed, match="Telegram refused"):
        functions(Aws({"error": "Telegram refused"})).register()
    for ask in (
        lambda: functions(Aws(GONE)).describe("WorkerFunction"),
        lambda: functions(Aws(GONE)).bring(CODE),
        lambda: functions(Aws(GONE)).code(),
    ):
        with pytest.raises(FunctionFailed, match="local AWS"):
            ask()
