"""CloudFormation registers the bot anew whenever something changes that the registration rests on."""

from tests.template.reading import Template, references
from tests.template.test_environment import read


def test_it_changes_with_what_the_registrar_is_told(template: Template) -> None:
    """Whatever the registrar's variables name stands in its properties, or a change would go unnoticed."""
    told = references(template.functions["RegistrarFunction"]["Environment"])
    told = {name for name in told if not name.startswith("AWS::")}  # a stack's name never changes
    assert told - references(template.resources["Registration"]["Properties"]) == set()


def test_it_changes_with_what_the_workers_start_with(template: Template) -> None:
    """The registrar asks them, so a parameter with which they do not start fails the deployment."""
    for worker in ("WorkerFunction", "TasksFunction"):
        variables = template.functions[worker]["Environment"]["Variables"]
        told = references([variables[name] for name in read(template, worker)]) & set(template.parameters)
        assert told - references(template.resources["Registration"]["Properties"]) == set()


def test_it_changes_with_the_code_in_the_layers(template: Template) -> None:
    """A new version of a layer has a new ARN."""
    layers = set(template.of_type("AWS::Serverless::LayerVersion"))
    assert layers - references(template.resources["Registration"]["Properties"]) == set()


def test_it_changes_with_the_bot(template: Template) -> None:
    """Another bot's token has another id in front."""
    assert "BotToken" in references(template.resources["Registration"]["Properties"])


def test_a_registrar_that_hangs_costs_two_minutes(template: Template) -> None:
    """CloudFormation waits an hour unless it is told otherwise; the registrar itself ends before."""
    registration = template.resources["Registration"]
    assert registration["Type"] == "AWS::CloudFormation::CustomResource"
    assert registration["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["RegistrarFunction", "Arn"]}
    assert registration["Properties"]["ServiceTimeout"] == 120
    assert template.functions["RegistrarFunction"]["Timeout"] < 120


def test_it_comes_when_the_way_in_is_open(template: Template) -> None:
    """Telegram delivers at once, so route, stage and permission come first."""
    needed = {"WebhookRoute", "WebhookStage", "WebhookPermission"}
    assert needed - set(template.resources["Registration"]["DependsOn"]) == set()
