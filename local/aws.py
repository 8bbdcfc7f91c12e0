"""The AWS of a local stack as seen from this machine: clients, and what CloudFormation says of the stack.

Rule: no credential, profile, endpoint or proxy of this machine's environment or files plays a part.
"""

import os
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local import environment
from local.errors import LocalError
from local.ports import Ports

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

STACK_NAME = "floodgate-local"
_CONFIG = Config(proxies={}, connect_timeout=5, read_timeout=100, retries={"total_max_attempts": 1})
_CANCELLED = "cancelled"


class StackUnusable(LocalError):
    """The stack is not there, or a part of it does not answer."""


class LocalAws:
    """The local AWS on its port; `start` of local.stack puts a stack there."""

    stack_name = STACK_NAME

    def __init__(self, ports: Ports) -> None:
        self.endpoint = environment.endpoint(ports)
        keys = environment.credentials()
        unset = (None, None, None, None)
        nowhere = (None, None, os.devnull, None)
        self._session = boto3.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            region_name=environment.REGION,
            botocore_session=botocore.session.Session(
                session_vars={"profile": unset, "config_file": nowhere, "credentials_file": nowhere}
            ),
        )

    def client(self, service: str) -> Any:
        """Return a client of that service."""
        # The overloads of the stubs want a literal.
        return self._session.client(service, endpoint_url=self.endpoint, config=_CONFIG)  # type: ignore[call-overload]

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """The client of CloudFormation."""
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The client of DynamoDB."""
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @cached_property
    def functions(self) -> "LambdaClient":
        """The client of Lambda."""
        client: LambdaClient = self.client("lambda")
        return client

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """The client of CloudWatch Logs."""
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        """The client of SQS."""
        client: SQSClient = self.client("sqs")
        return client

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs by name. Raises StackUnusable."""
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=self.stack_name)["Stacks"]
        except (BotoCoreError, ClientError) as error:
            raise StackUnusable(
                f"No stack runs with its AWS on {self.endpoint}: start one with `make run`, and set "
                "FLOODGATE_AWS_PORT as there if you did."
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def physical_ids(self, resource_type: str) -> dict[str, str]:
        """Return the physical ids of the stack's resources of that type by logical id."""
        resources = self.cloudformation.describe_stack_resources(StackName=self.stack_name)["StackResources"]
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] == resource_type
        }

    def variables(self) -> dict[str, dict[str, str]]:
        """Return the environment variables of each function by logical id. Raises StackUnusable."""
        self.outputs()
        names = self.physical_ids("AWS::Lambda::Function")
        return {
            logical_id: dict(
                self.functions.get_function_configuration(FunctionName=name).get("Environment", {}).get("Variables", {})
            )
            for logical_id, name in sorted(names.items())
        }

    def failures(self, since: datetime) -> list[str]:
        """Return why resources could not be made since then, first failure first; nothing if AWS does not say."""
        try:
            # All of them: the rollback's events fill the first page, and what failed stands on a later one.
            pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.stack_name)
            events = [event for page in pages for event in page["StackEvents"]]
        except (BotoCoreError, ClientError):
            return []
        return reasons([event for event in events if event["Timestamp"] >= since])


def reasons(events: "list[StackEventTypeDef]") -> list[str]:
    """Return `<resource>: <reason>` of each failure, first first, without those that followed from another's.

    `events` are CloudFormation's, the latest first.
    """
    return [
        f"{event.get('LogicalResourceId', 'the stack')}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event.get("ResourceStatus", "").endswith("_FAILED")
        and event.get("ResourceType") != "AWS::CloudFormation::Stack"
        and _CANCELLED not in event.get("ResourceStatusReason", _CANCELLED)
    ]
