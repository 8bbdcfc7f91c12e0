"""How the template is written, so that it can be read, and deployed several times into one account."""

import graphlib
import re

from tests.template.reading import Template, references, walk

SECTIONS = (
    "PARAMETERS",
    "CONDITIONS",
    "GLOBALS",
    "LAYERS",
    "STORAGE",
    "QUEUES",
    "FUNCTIONS",
    "API",
    "SCHEDULES",
    "ALARMS",
    "DASHBOARD",
    "OUTPUTS",
)
PARTS = {"PARAMETERS": "Parameters", "CONDITIONS": "Conditions", "GLOBALS": "Globals", "OUTPUTS": "Outputs"}
#: Types that belong to one section; others stand beside what they serve.
HOMES = {
    "AWS::ApiGatewayV2::": "API",
    "AWS::CloudFormation::CustomResource": "FUNCTIONS",
    "AWS::Budgets::": "ALARMS",
    "AWS::CloudWatch::Alarm": "ALARMS",
    "AWS::CloudWatch::CompositeAlarm": "ALARMS",
    "AWS::CloudWatch::Dashboard": "DASHBOARD",
    "AWS::DynamoDB::": "STORAGE",
    "AWS::Logs::LogGroup": "FUNCTIONS",
    "AWS::SNS::": "ALARMS",
    "AWS::SQS::Queue": "QUEUES",
    "AWS::Scheduler::": "SCHEDULES",
    "AWS::SecretsManager::": "STORAGE",
    "AWS::Serverless::Function": "FUNCTIONS",
    "AWS::Serverless::LayerVersion": "LAYERS",
}
_BANNER = re.compile(r"^ *# (=+) ([A-Z]+) ==$", re.MULTILINE)
#: Properties whose name ends in Name and that name nothing that exists once per account.
NOT_NAMES = {"MetricName", "StageName"}


def banners(template: Template) -> dict[str, int]:
    """Return the line on which each section's banner stands."""
    return {found[2]: template.text.count("\n", 0, found.start()) for found in _BANNER.finditer(template.text)}


def line_of(template: Template, key: str, indent: int) -> int:
    """Return the line on which this key is written."""
    found = re.search(rf"^ {{{indent}}}{re.escape(key)}:", template.text, re.MULTILINE)
    assert found
    return template.text.count("\n", 0, found.start())


def section_at(template: Template, line: int) -> str:
    """Return the section that this line is in."""
    return max((where, name) for name, where in banners(template).items() if where < line)[1]


def test_sections_stand_in_the_fixed_order(template: Template) -> None:
    """Each has one banner, and all end in one column."""
    found = [match[2] for match in _BANNER.finditer(template.text)]
    assert found == [name for name in SECTIONS if name in found]
    assert len({len(match[0]) for match in _BANNER.finditer(template.text)}) == 1


def test_every_part_has_its_banner(template: Template) -> None:
    """Parameters, conditions, globals and outputs follow theirs."""
    for banner, part in PARTS.items():
        assert (part in template.body) == (banner in banners(template)), part
        if part in template.body:
            assert line_of(template, part, 0) == banners(template)[banner] + 1


def test_every_resource_is_in_its_section(template: Template) -> None:
    """Whoever looks for a queue looks below QUEUES."""
    strays = {
        name: section
        for name, one in template.resources.items()
        for prefix, home in HOMES.items()
        if one["Type"].startswith(prefix) and (section := section_at(template, line_of(template, name, 2))) != home
    }
    assert strays == {}


def test_logical_ids_say_noun_and_type(template: Template) -> None:
    """A queue is a Queue, a function a Function, a table a Table."""
    last_word = {
        "AWS::CloudWatch::Alarm": "Alarm",
        "AWS::CloudWatch::CompositeAlarm": "Alarm",
        "AWS::SNS::Topic": "Topic",
        "AWS::DynamoDB::Table": "Table",
        "AWS::IAM::Role": "Role",
        "AWS::Logs::LogGroup": "LogGroup",
        "AWS::SQS::Queue": "Queue",
        "AWS::SecretsManager::Secret": "Secret",
        "AWS::Serverless::Function": "Function",
        "AWS::Serverless::LayerVersion": "Layer",
    }
    odd = [name for name, one in template.resources.items() if not name.endswith(last_word.get(one["Type"], ""))]
    assert odd == []


def test_nothing_has_a_physical_name(template: Template) -> None:
    """Several bots and stages live in one account. What must have a name takes the stack's."""
    resources = set(template.resources)
    names = {
        (one["Type"], key): value
        for one in template.resources.values()
        for key, value in one.get("Properties", {}).items()
        if key.endswith("Name") and key not in NOT_NAMES and not references(value) & resources
    }
    assert names == {
        ("AWS::ApiGatewayV2::Api", "Name"): {"Ref": "AWS::StackName"},
        ("AWS::CloudWatch::Dashboard", "DashboardName"): {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"},
    }


def test_nothing_rests_on_itself(template: Template) -> None:
    """CloudFormation refuses a circle, and only when the template is deployed."""
    rests_on = {name: references(one) & set(template.resources) for name, one in template.resources.items()}
    assert set(graphlib.TopologicalSorter(rests_on).static_order()) == set(template.resources)


def test_no_loops(template: Template) -> None:
    """Fn::ForEach hides resources from whoever reads or checks the template."""
    keys = {str(path[-1]) for path, _ in walk(template.body) if path}
    assert [key for key in keys if key.startswith("Fn::ForEach")] == []


def test_nothing_waits_for_what_sam_makes(template: Template) -> None:
    """DependsOn and references name what is written here: the ids that SAM makes up change with their content."""
    known = {*template.resources, *template.parameters}
    for name, one in template.resources.items():
        waits = one.get("DependsOn", [])
        assert set([waits] if isinstance(waits, str) else waits) <= set(template.resources), name
    named = references({key: template.body[key] for key in ("Globals", "Resources", "Outputs")})
    assert {name for name in named if not name.startswith("AWS::")} - known == set()


def test_the_api_is_made_of_plain_resources(template: Template) -> None:
    """What AWS::Serverless::HttpApi makes is not read by the local AWS; nor does any function make one by an event."""
    assert template.of_type("AWS::Serverless::HttpApi", "AWS::Serverless::Api") == {}
    events = {event["Type"] for one in template.functions.values() for event in one.get("Events", {}).values()}
    assert events & {"HttpApi", "Api"} == set()


def test_telegrams_request_reaches_the_webhook(template: Template) -> None:
    """One route, POST /webhook, in the payload format that the function reads."""
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    assert {name: one["RouteKey"] for name, one in routes.items()} == {"WebhookRoute": "POST /webhook"}
    integration = template.resources["WebhookIntegration"]["Properties"]
    assert integration["IntegrationUri"] == {"Fn::GetAtt": ["WebhookFunction", "Arn"]}
    assert integration["PayloadFormatVersion"] == "2.0"
    assert template.resources["WebhookStage"]["Properties"]["StageName"] == "$default"


def test_outputs_are_described_and_hold_no_secret(template: Template) -> None:
    """Each says what it is; a secret's ARN is no secret."""
    outputs = template.body["Outputs"]
    hidden = {name for name, one in template.parameters.items() if one.get("NoEcho")}
    assert [name for name, one in outputs.items() if not one.get("Description")] == []
    assert references(outputs) & hidden == set()
    assert "{{resolve:" not in str(outputs)
