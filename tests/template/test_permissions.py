"""Who may do what: one role a function, every right on named resources."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.template.reading import FUNCTION, ROOT, Template, reference, references

FUNCTIONS = sorted(Template.read(ROOT / "template.yaml").of_type(FUNCTION))
ROLES = sorted(Template.read(ROOT / "template.yaml").of_type("AWS::IAM::Role"))


def listed(value: Any) -> list[Any]:
    """Return a list also for what IAM lets stand alone."""
    return value if isinstance(value, list) else [value]


def statements(template: Template, role: str) -> Iterator[Mapping[str, Any]]:
    """Yield each statement of a role's own policies."""
    for policy in template.resources[role]["Properties"].get("Policies", []):
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own(template: Template, function: str) -> None:
    """The role beside it and no other; SAM adds nothing to it."""
    role = function.removesuffix("Function") + "Role"
    users = {name for name, one in template.functions.items() if role in references(one.get("Role"))}
    assert template.functions[function]["Role"] == {"Fn::GetAtt": [role, "Arn"]}
    assert users == {function}
    assert "Policies" not in template.functions[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_functions_role_is_for_lambda(template: Template, function: str) -> None:
    """Nobody else may take it."""
    role = template.resources[function.removesuffix("Function") + "Role"]["Properties"]
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


#: Rights that IAM cannot bind to a resource: metrics have none, and whoever may not see every alarm is told of no
#: composite one. All of them only read.
ON_EVERYTHING = {
    "AlertsRole": {"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:GetMetricWidgetImage"},
}

#: X-Ray has no resources: these write traces, and read none.
EVERYWHERE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_traces_are_written_if_that_is_asked_for(template: Template, function: str) -> None:
    """The right comes and goes with the parameter that has Lambda trace."""
    assert template.functions[function]["Tracing"] == {"Fn::If": ["TracingOn", "Active", "PassThrough"]}
    role = template.resources[function.removesuffix("Function") + "Role"]["Properties"]
    found = [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"] if "Fn::If" in one]
    right = {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"}
    assert found == [{"Fn::If": ["TracingOn", right, {"Ref": "AWS::NoValue"}]}]


@pytest.mark.parametrize("role", ROLES)
def test_a_right_names_actions_and_resources(template: Template, role: str) -> None:
    """No `*` for an action, and each resource is one of this template's: a foreign ARN is none, and `*` hardly ever."""
    found = list(statements(template, role))
    assert found
    for statement in found:
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Effect", "Action", "Resource", "Condition"}
        assert [action for action in listed(statement["Action"]) if "*" in action] == []
        if set(listed(statement["Action"])) <= EVERYWHERE:
            continue
        for resource in listed(statement["Resource"]):
            if resource == "*" and set(listed(statement["Action"])) <= ON_EVERYTHING.get(role, set()):
                continue
            assert reference(resource) & set(template.resources) != set(), resource


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_managed_policies(template: Template, role: str) -> None:
    """AWS's own policies allow `*`."""
    assert "ManagedPolicyArns" not in template.resources[role]["Properties"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_is_told_the_traffic_table_may_use_it(template: Template, function: str) -> None:
    """Gates, cache and journal are read, written and updated by key; nobody scans, queries or deletes there."""
    told = template.functions[function]["Environment"]["Variables"].get("TRAFFIC_TABLE") == {"Ref": "TrafficTable"}
    rights = {
        action
        for one in statements(template, function.removesuffix("Function") + "Role")
        if "TrafficTable" in references(one["Resource"])
        for action in listed(one["Action"])
    }
    assert rights == ({"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"} if told else set())


STATE_RIGHTS = {
    "WorkerFunction": {"GetItem", "BatchGetItem", "UpdateItem", "DeleteItem", "Query"},
    "TasksFunction": {"GetItem", "BatchGetItem", "UpdateItem", "DeleteItem", "Query"},
    "DeadletterFunction": {"GetItem", "UpdateItem", "PutItem"},
    "RegistrarFunction": {"GetItem", "PutItem", "UpdateItem", "DeleteItem"},
    "AlertsFunction": {"GetItem", "UpdateItem", "Query", "Scan"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_with_the_state_table_what_it_does(template: Template, function: str) -> None:
    """Failures are kept by one and closed by others; a transaction needs its writes' rights; subscribers leave."""
    rights = {
        action.removeprefix("dynamodb:")
        for one in statements(template, function.removesuffix("Function") + "Role")
        if "StateTable" in references(one["Resource"])
        for action in listed(one["Action"])
    }
    assert rights == STATE_RIGHTS.get(function, set())


SENT_TO = {
    "WebhookFunction": {"UpdatesQueue", "DeadQueue"},
    "WorkerFunction": {"UpdatesQueue", "TasksQueue", "DeadQueue"},
    "TasksFunction": {"TasksQueue", "DeadQueue"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_send_where_it_sends(template: Template, function: str) -> None:
    """A worker gives up, asks for tasks, and sends again what the admin wants tried again, to either queue."""
    queues = {
        queue
        for one in statements(template, function.removesuffix("Function") + "Role")
        if "sqs:SendMessage" in listed(one["Action"])
        for queue in references(one["Resource"])
    }
    assert queues == SENT_TO.get(function, set())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_who_is_fed_by_a_queue_may_put_back(template: Template, function: str) -> None:
    """Receive, delete and put back, in that queue and no other."""
    needed = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}
    found = [
        (set(listed(one["Action"])), one["Resource"])
        for one in statements(template, function.removesuffix("Function") + "Role")
        if "sqs:ReceiveMessage" in listed(one["Action"])
    ]
    events = template.functions[function].get("Events", {}).values()
    sources = [one["Properties"]["Queue"] for one in events if one["Type"] == "SQS"]
    assert found == [(needed, source) for source in sources]


def test_there_are_no_policies_beside_the_roles(template: Template) -> None:
    """What a role may is read in one place."""
    assert template.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy") == {}
    assert template.of_type("AWS::Serverless::Connector") == {}
    assert [name for name, one in template.resources.items() if "Connectors" in one] == []


def test_the_webhook_cannot_read_the_token(template: Template) -> None:
    """Whoever breaks into the one function that faces the internet finds the webhook's secret and no other."""
    found = list(statements(template, "WebhookRole"))
    secrets = [one["Resource"] for one in found if any("secretsmanager:" in name for name in listed(one["Action"]))]
    assert secrets == [{"Fn::GetAtt": ["WebhookSecret", "Id"]}]
    assert references(template.resources["WebhookRole"]) & {"BotToken", "BotTokenSecret"} == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_write_its_own_log(template: Template, function: str) -> None:
    """And create no log group, for an undeclared one is kept forever."""
    noun = function.removesuffix("Function")
    logging = [
        one for one in statements(template, f"{noun}Role") if any("logs:" in name for name in listed(one["Action"]))
    ]
    assert [(one["Action"], one["Resource"]) for one in logging] == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [f"{noun}LogGroup", "Arn"]})
    ]


def test_only_our_route_may_call_the_webhook(template: Template) -> None:
    """The permission names the API, the method and the path."""
    permission = template.resources["WebhookPermission"]["Properties"]
    assert permission["FunctionName"] == {"Ref": "WebhookFunction"}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${WebhookApi}/*/POST/webhook")


SCHEDULES = {"WorkerFunction", "TasksFunction"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_worker_may_schedule_in_the_stacks_group(template: Template, function: str) -> None:
    """It makes, changes and removes schedules there, and hands the scheduler one role, for that service alone."""
    found = {
        action: one
        for one in statements(template, function.removesuffix("Function") + "Role")
        for action in listed(one["Action"])
        if action.startswith(("scheduler:", "iam:"))
    }
    if function not in SCHEDULES:
        assert found == {}
        return
    assert set(found) == {
        "scheduler:CreateSchedule",
        "scheduler:UpdateSchedule",
        "scheduler:DeleteSchedule",
        "iam:PassRole",
    }
    passed = found.pop("iam:PassRole")
    assert passed["Resource"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${TasksScheduleGroup}/*"
    assert [one["Resource"] for one in found.values()] == [{"Fn::Sub": group}] * 3


def test_the_scheduler_may_send_to_the_tasks_queue_and_nothing_else(template: Template) -> None:
    """For the schedules of this stack's group alone: another account's cannot borrow the role."""
    role = template.resources["SchedulerRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"},
            "aws:SourceArn": {"Fn::GetAtt": ["TasksScheduleGroup", "Arn"]},
        }
    }
    assert list(statements(template, "SchedulerRole")) == [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["TasksQueue", "Arn"]}}
    ]


@pytest.mark.parametrize("function", sorted(SCHEDULES))
def test_a_worker_is_told_of_the_schedules_that_it_may_use(template: Template, function: str) -> None:
    """The group, the role and the queue are those of its rights."""
    told = template.functions[function]["Environment"]["Variables"]
    assert told["SCHEDULE_GROUP"] == {"Ref": "TasksScheduleGroup"}
    assert told["SCHEDULE_ROLE_ARN"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
    assert told["TASKS_QUEUE_ARN"] == {"Fn::GetAtt": ["TasksQueue", "Arn"]}
