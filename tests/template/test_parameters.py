"""What a person may set: described, bounded, and never a secret shown."""

from floodgate.settings import WorkerSettings
from tests.template.reading import Template, references, walk
from tests.template.test_environment import environment

TIMES = {
    "WorkerFunction": ("WorkerTimeout", "UpdateDeadline", "UpdatesVisibility"),
    "TasksFunction": ("TasksTimeout", "TaskDeadline", "TasksVisibility"),
}


def test_every_parameter_is_described(template: Template) -> None:
    """Each says what it is for."""
    assert [name for name, one in template.parameters.items() if len(one.get("Description", "")) < 10] == []


def test_every_parameter_is_bounded(template: Template) -> None:
    """A number has a list or both ends, a text a list, a pattern or a length; nothing has another type."""
    bounds = {
        "Number": ({"MinValue", "MaxValue"}, {"AllowedValues"}),
        "String": ({"AllowedPattern"}, {"AllowedValues"}, {"MaxLength"}, {"NoEcho", "MinLength"}),
    }
    free = [
        name
        for name, one in template.parameters.items()
        if not any(needed <= one.keys() for needed in bounds.get(one["Type"], ()))
    ]
    assert free == []


def test_every_parameter_is_used(template: Template) -> None:
    """None is left over."""
    rest = {key: part for key, part in template.body.items() if key != "Parameters"}
    assert set(template.parameters) - references(rest) == set()


def test_only_secrets_have_to_be_given(template: Template) -> None:
    """Everything else has a default, and no secret has one."""
    hidden = {name for name, one in template.parameters.items() if one.get("NoEcho")}
    assert set(template.parameters) - set(template.defaults) == hidden


def test_the_token_is_a_secret(template: Template) -> None:
    """CloudFormation shows it to nobody, and takes nothing that cannot be a token."""
    token = template.parameters["BotToken"]
    assert token["NoEcho"] is True
    assert token["AllowedPattern"] == "[0-9]+:[A-Za-z0-9_-]+"


def test_the_token_goes_into_its_secret_and_nowhere_else(template: Template) -> None:
    """No variable, output or custom resource has it; only its public half, the bot's id, goes further."""
    places = {
        ".".join(str(step) for step in path)
        for path, value in walk(template.body)
        if path[:1] != ("Parameters",) and value == {"Ref": "BotToken"}
    }
    others = {
        ".".join(str(step) for step in path)
        for path, value in walk(template.body)
        if isinstance(value, str) and "${BotToken}" in value
    }
    assert places | others == {
        "Resources.BotTokenSecret.Properties.SecretString",
        "Resources.Registration.Properties.BotId.Fn::Select.1.Fn::Split.1",
        *(
            f"Resources.{name}.Properties.Environment.Variables.BOT_ID.Fn::Select.1.Fn::Split.1"
            for name in ("WorkerFunction", "TasksFunction", "DeadletterFunction", "RegistrarFunction")
        ),
    }
    public = {"Fn::Select": [0, {"Fn::Split": [":", {"Ref": "BotToken"}]}]}
    assert template.resources["Registration"]["Properties"]["BotId"] == public


def test_the_defaults_are_the_documented_ones(template: Template) -> None:
    """20 s for a worker, 10 s for an update, 120 s of silence at most; minutes for tasks; the cheaper processor."""
    shown = {name: template.parameters[name]["Default"] for names in TIMES.values() for name in names}
    assert shown == {
        "WorkerTimeout": 20,
        "UpdateDeadline": 10,
        "UpdatesVisibility": 120,
        "TasksTimeout": 300,
        "TaskDeadline": 280,
        "TasksVisibility": 900,
    }
    assert template.parameters["Architecture"]["Default"] == "arm64"


def test_times_fit_together(template: Template) -> None:
    """The defaults, and the most that the bounds allow, are settings that a worker starts with."""
    for function, names in TIMES.items():
        for bound in ("Default", "MaxValue"):
            chosen = {name: str(template.parameters[name][bound]) for name in names}
            settings = WorkerSettings.from_env(environment(template, function, chosen))
            assert [settings.timeout_s, settings.deadline_s, settings.visibility_s] == [int(chosen[n]) for n in names]


def test_workers_may_run_side_by_side_within_lambdas_bounds(template: Template) -> None:
    """MaximumConcurrency of an event source is 2 to 1000."""
    bounds = template.parameters["WorkerConcurrency"]
    assert (bounds["MinValue"], bounds["MaxValue"]) == (2, 1000)
