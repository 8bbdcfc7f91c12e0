"""How functions run: which processor, which layers, how long, with whose rights, and where they log."""

import json
from pathlib import Path

import pytest

from tests.template.reading import FUNCTION, ROOT, Template

FUNCTIONS = sorted(Template.read(ROOT / "template.yaml").of_type(FUNCTION))


def noun(function: str) -> str:
    """Return `Worker` for `WorkerFunction`."""
    return function.removesuffix("Function")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_on_the_chosen_processor(template: Template, function: str) -> None:
    """Python 3.13 on what the parameter says, with the layers of all, logging JSON at the chosen level."""
    one = template.functions[function]
    assert one["Runtime"] == "python" + (ROOT / ".python-version").read_text().strip()
    assert one["Handler"] == "app.handler"
    assert one["Architectures"] == [{"Ref": "Architecture"}]
    assert template.layers(function) == [
        "DependenciesLayer",
        "FloodgateLayer",
        *(["ChartsLayer"] if function == "AlertsFunction" else []),
    ]
    assert one["LoggingConfig"]["LogFormat"] == "JSON"
    assert one["LoggingConfig"]["ApplicationLogLevel"] == {"Ref": "LogLevel"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_code_of_this_repository(template: Template, function: str) -> None:
    """Its folder below functions/ has the handler."""
    folder = Path(template.functions[function]["CodeUri"])
    assert folder.parent == Path("functions")
    assert "\ndef handler(" in (ROOT / folder / "app.py").read_text()


def test_every_folder_of_functions_is_deployed(template: Template) -> None:
    """No code lies unused."""
    used = {Path(one["CodeUri"]).name for one in template.functions.values()}
    assert used == {app.parent.name for app in ROOT.glob("functions/*/app.py")}


def test_worker_and_tasks_are_one_code(template: Template) -> None:
    """They differ in settings alone."""
    assert template.functions["WorkerFunction"]["CodeUri"] == template.functions["TasksFunction"]["CodeUri"]


def test_loops_are_allowed_where_they_are_meant(template: Template) -> None:
    """A broadcast is a loop of steps through tasks.fifo; Lambda would cut it at about 16."""
    allowed = {name for name, one in template.functions.items() if one.get("RecursiveLoop") == "Allow"}
    assert allowed == {"WorkerFunction", "TasksFunction"}


def test_timeouts_are_the_parameters(template: Template) -> None:
    """A worker's time is set by whoever deploys."""
    assert template.functions["WorkerFunction"]["Timeout"] == {"Ref": "WorkerTimeout"}
    assert template.functions["TasksFunction"]["Timeout"] == {"Ref": "TasksTimeout"}


def test_the_webhook_ends_before_its_caller_gives_up(template: Template) -> None:
    """API Gateway waits 30 s; two AWS calls at their slowest take about 26."""
    assert 26 < template.functions["WebhookFunction"]["Timeout"] < 30


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_log_group_follows_its_function(template: Template, function: str) -> None:
    """The next resource is the function's own log group, kept as long as the parameter says."""
    ids = list(template.resources)
    group = f"{noun(function)}LogGroup"
    assert ids[ids.index(function) + 1] == group
    assert template.resources[group]["Type"] == "AWS::Logs::LogGroup"
    assert template.resources[group]["Properties"] == {"RetentionInDays": {"Ref": "LogRetentionDays"}}
    assert template.functions[function]["LoggingConfig"]["LogGroup"] == {"Ref": group}


def test_no_aliases(template: Template) -> None:
    """SAM publishes no version when only a parameter changes: behind an alias a green deployment runs old limits."""
    assert template.of_type("AWS::Lambda::Alias", "AWS::Lambda::Version") == {}
    published = {"AutoPublishAlias", "DeploymentPreference", "ProvisionedConcurrencyConfig"}
    assert [name for name, one in template.functions.items() if published & one.keys()] == []


def test_layers_are_built_by_their_makefiles(template: Template) -> None:
    """Only a makefile can ship bytecode that stays valid; old versions go with the stack."""
    layers = template.of_type("AWS::Serverless::LayerVersion")
    assert set(layers) == {"DependenciesLayer", "ChartsLayer", "FloodgateLayer"}
    for name, properties in layers.items():
        assert template.resources[name]["Metadata"] == {"BuildMethod": "makefile"}
        assert f"\nbuild-{name}:" in (ROOT / properties["ContentUri"] / "Makefile").read_text()
    for name in ("DependenciesLayer", "ChartsLayer"):
        assert layers[name]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_alerts_are_brought_by_the_topic_and_looked_for_by_a_schedule(template: Template) -> None:
    """What SNS lost is found within five minutes, by the event that the function takes for a sweep."""
    events = template.functions["AlertsFunction"]["Events"]
    assert events["Alarms"] == {"Type": "SNS", "Properties": {"Topic": {"Ref": "AlertsTopic"}}}
    assert events["Sweep"]["Type"] == "Schedule"
    assert events["Sweep"]["Properties"]["Schedule"] == "rate(5 minutes)"
    swept = json.loads((ROOT / "events" / "alerts__sweep.json").read_text())
    assert json.loads(events["Sweep"]["Properties"]["Input"]) == swept
