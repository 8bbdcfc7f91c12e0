"""Template and settings name the same variables: none is missing, none is set for nobody."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from floodgate import settings
from tests.template.reading import FUNCTION, ROOT, Template, references, resolve


class Recording(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("settings read variables by name")

    def __len__(self) -> int:
        return len(self._variables)


def environment(template: Template, function: str, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a function's variables with the parameters' defaults, but for those `chosen`; ids stand for resources."""
    made = {name: name for name in template.resources}
    attributes = {f"{name}.{attribute}": name for name in made for attribute in ("Arn", "ApiEndpoint", "Id")}
    pseudo = {"AWS::StackName": "floodgate", "AWS::Region": "eu-central-1"}
    known = {
        **pseudo,
        **made,
        **attributes,
        **dict.fromkeys(template.parameters, "given"),
        **template.defaults,
        **(chosen or {}),
    }
    variables = resolve(template.functions[function]["Environment"]["Variables"], known)
    return {name: str(value) for name, value in variables.items()}


def reader(template: Template, function: str) -> Any:
    """Return the settings class that the function's `app.py` makes of its environment."""
    app = ROOT / template.functions[function]["CodeUri"] / "app.py"
    [name] = re.findall(r"(\w+)\.from_env\(os\.environ\)", app.read_text())
    return getattr(settings, name)


def read(template: Template, function: str) -> set[str]:
    """Return the variables that the function's settings ask for."""
    recording = Recording(environment(template, function))
    reader(template, function).from_env(recording)
    return recording.read


FUNCTIONS = sorted(Template.read(ROOT / "template.yaml").of_type(FUNCTION))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_what_it_is_given(template: Template, function: str) -> None:
    """The settings find every variable that they ask for, and what they do not ask for the bot's features do."""
    given = environment(template, function)
    features = (ROOT / template.functions[function]["CodeUri"]).glob("*/**/*.py")
    theirs = {name for feature in features for name in set(given) if f'"{name}"' in feature.read_text()}
    assert read(template, function) | theirs == set(given)


PUBLIC_HALF = {"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "BotToken"}]}]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_variable_holds_a_secret(template: Template, function: str) -> None:
    """A secret's ARN is passed on, never its value: of the token no more than its public half, the bot's id."""
    variables = dict(template.functions[function]["Environment"]["Variables"])
    assert variables.pop("BOT_ID", PUBLIC_HALF) == PUBLIC_HALF
    hidden = {name for name, one in template.parameters.items() if one.get("NoEcho")}
    assert references(variables) & hidden == set()
    assert "{{resolve:" not in str(variables)


def test_the_webhook_is_told_nothing_of_the_token(template: Template) -> None:
    """Neither a variable of the webhook function nor any other of its properties leads to the bot token."""
    assert references(template.functions["WebhookFunction"]) & {"BotToken", "BotTokenSecret"} == set()


@pytest.mark.parametrize("function", ["WorkerFunction", "TasksFunction"])
def test_a_worker_knows_its_own_times_number_and_queue(template: Template, function: str) -> None:
    """What it is told is what Lambda and the queue are set to: the same parameters, the queue that it is fed from."""
    worker = template.functions[function]
    variables = worker["Environment"]["Variables"]
    [source] = worker["Events"].values()
    queue = variables["QUEUE_URL"]["Ref"]
    assert source["Properties"]["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert variables["FUNCTION_TIMEOUT_S"] == worker["Timeout"]
    assert variables["WORKER_CONCURRENCY"] == source["Properties"]["ScalingConfig"]["MaximumConcurrency"]
    assert variables["QUEUE_VISIBILITY_S"] == template.resources[queue]["Properties"]["VisibilityTimeout"]
