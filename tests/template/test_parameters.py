"""What a person may set: described, bounded, and never a secret shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.settings import InboundLimits, WebhookSettings, WorkerSettings
from floodgate.traffic.limits import Limit
from tests.template.reading import ROOT, Template, references, walk
from tests.template.test_environment import environment

TIMES = {
    "WorkerFunction": ("WorkerTimeout", "UpdateDeadline", "UpdatesVisibility"),
    "TasksFunction": ("TasksTimeout", "TaskDeadline", "TasksVisibility"),
}
LIMITS = ("UserLimit", "ChatLimit", "BotLimit")
PATTERNS = {
    name: one["AllowedPattern"]
    for name, one in Template.read(ROOT / "template.yaml").parameters.items()
    if name in LIMITS
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
            for name in ("WorkerFunction", "TasksFunction", "DeadletterFunction", "RegistrarFunction", "AlertsFunction")
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


@pytest.mark.parametrize("name", LIMITS)
@given(data=st.data())
def test_a_limit_that_passes_is_one_that_a_worker_reads(template: Template, name: str, data: st.DataObject) -> None:
    """What CloudFormation lets through makes no worker fail to start."""
    chosen = {name: data.draw(st.from_regex(PATTERNS[name], fullmatch=True))}
    for function in TIMES:
        InboundLimits.from_env(environment(template, function, chosen))


@pytest.mark.parametrize("text", ["", "fast", "0/min", "00/s", "5/day", "5/min burst 0", "5/minburst 3", "Off", "off "])
@pytest.mark.parametrize("name", LIMITS)
def test_what_is_no_limit_is_refused_at_once(name: str, text: str) -> None:
    """The deployment ends before anything was changed."""
    assert re.fullmatch(PATTERNS[name], text) is None


@pytest.mark.parametrize("text", ["30/min burst 10", "5/min", "2/s", "100/h", "off"])
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_written_in_one_way(name: str, text: str) -> None:
    """What the documentation shows passes, but the bot's limit knows no burst."""
    assert bool(re.fullmatch(PATTERNS[name], text)) == (name != "BotLimit" or "burst" not in text)


def test_the_default_limits_are_the_documented_ones(template: Template) -> None:
    """A person 30 a minute, a group 300, the bot 6000; what is unreachable costs no update, and nothing costs Stars."""
    for function in TIMES:
        settings = WorkerSettings.from_env(environment(template, function))
        assert settings.inbound == InboundLimits(
            user=Limit(2.0, 10), chat=Limit(0.2, 100), bot=Limit(0.01, 6000), quiet_s=300, admit_without_store=False
        )
        assert (settings.cache_s, settings.paid_broadcasts, settings.early_acknowledgement) == (300, False, False)


@pytest.mark.parametrize("name", ["QuietPeriod", "CacheSeconds", "WorkerConcurrency"])
def test_a_number_within_its_bounds_is_one_that_a_worker_reads(template: Template, name: str) -> None:
    """The template's bounds are the settings' bounds."""
    for bound in ("MinValue", "MaxValue"):
        for function in TIMES:
            WorkerSettings.from_env(environment(template, function, {name: str(template.parameters[name][bound])}))


@pytest.mark.parametrize("name", ["WhenStoreIsDown", "PaidBroadcasts", "EarlyAcknowledgement"])
def test_a_choice_is_one_that_a_worker_reads(template: Template, name: str) -> None:
    """Each allowed value is text, not a YAML boolean, and known to the settings."""
    for value in template.parameters[name]["AllowedValues"]:
        assert isinstance(value, str)
        for function in TIMES:
            WorkerSettings.from_env(environment(template, function, {name: value}))


def test_webhook_and_workers_agree_on_early_acknowledgement(template: Template) -> None:
    """Who answers a button is decided once."""
    for value, expected in (("on", True), ("off", False)):
        chosen = {"EarlyAcknowledgement": value}
        told = [WebhookSettings.from_env(environment(template, "WebhookFunction", chosen)).early_acknowledgement]
        told += [WorkerSettings.from_env(environment(template, name, chosen)).early_acknowledgement for name in TIMES]
        assert told == [expected] * 3


def test_workers_may_run_side_by_side_within_lambdas_bounds(template: Template) -> None:
    """MaximumConcurrency of an event source is 2 to 1000."""
    bounds = template.parameters["WorkerConcurrency"]
    assert (bounds["MinValue"], bounds["MaxValue"]) == (2, 1000)
