"""Everything that was built, each function under Lambda's runtime, with a local AWS and a Telegram around it.

Built and started once; before each event the queues and tables are emptied and Telegram begins anew.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.state.identity import store_identity
from local.ports import Ports
from local.processes import Programs
from local.telegram.world import ADMIN_ID
from tests.runtime import building, cloud
from tests.runtime.cloud import Cloud
from tests.runtime.functions import LambdaFunction, Neighbours
from tests.runtime.telegram import TOKEN, Telegram
from tests.template.reading import ROOT, Template

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class World:
    """One event's surroundings."""

    cloud: Cloud
    telegram: Telegram
    functions: dict[str, LambdaFunction]
    neighbours: Neighbours
    programs: Programs
    logged_before: dict[str, int] = field(default_factory=dict)

    def run(self, event_name: str) -> Any:
        """Drive `events/<event_name>.json` through its function and return what that answered.

        A message comes out of its queue, and CloudFormation is answered here instead of at the URL in the file.
        """
        event = json.loads((ROOT / "events" / f"{event_name}.json").read_text())
        function = self.functions[function_of(event_name)].start(self.programs)
        if "Records" in event and "Sns" not in event["Records"][0]:
            for record in event["Records"]:
                self._send(record["body"])
            [source] = TEMPLATE.functions[function.name]["Events"].values()
            queue, _ = source["Properties"]["Queue"]["Fn::GetAtt"]
            return self.cloud.hand_out(event, queue, function.invoke)
        if "ResponseURL" in event:
            event["ResponseURL"] = self.neighbours.address
        return function.invoke(event)

    def _send(self, body: str) -> None:
        """Let Telegram know the update that a message is or that its dead letter holds, if there is one."""
        with contextlib.suppress(ValueError):
            found = json.loads(body)
            if "update" in found:
                found = json.loads(found["update"])
            if "update_id" in found:  # a task is the bot's own
                self.telegram.send(found)

    def logged(self) -> str:
        """Return what the functions have logged since the last event."""
        texts = []
        for name, function in self.functions.items():
            text = function.log.read_text() if function.log.exists() else ""
            texts.append(text[self.logged_before.get(name, 0) :])
            self.logged_before[name] = len(text)
        return "\n".join(texts)


TEMPLATE = Template.read(ROOT / "template.yaml")
IDENTITY = {"id": 123456, "is_bot": True, "first_name": "Floodgate", "username": "floodgate_local_bot"}


def function_of(event_name: str) -> str:
    """Return the logical id of the function that an event file is for."""
    return f"{event_name.partition('__')[0].capitalize()}Function"


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """What the tests start; when they are over none of it runs."""
    with Programs() as started:
        yield started


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> Path:
    """The path of the built template."""
    return building.build(tmp_path_factory.mktemp("sam"), programs)


@pytest.fixture(scope="session")
def surroundings(built: Path, tmp_path_factory: pytest.TempPathFactory, programs: Programs) -> Iterator[World]:
    """The world that all events share; take `world`, which is clean."""
    folder = tmp_path_factory.mktemp("runtime")
    ports = Ports.free()
    functions: dict[str, LambdaFunction] = {}
    telegram = Telegram(ports.telegram)
    template = Template.read(built)
    with Neighbours(functions, programs) as neighbours:
        known = {
            "BotToken": TOKEN,
            "TelegramApiUrl": telegram.address,
            "WebhookApi.ApiEndpoint": neighbours.address,
            **{name: name for name in template.functions},
            **{name: name for name in template.resources if name.endswith("LogGroup")},
        }
        aws = Cloud(template, cloud.start(ports, folder, programs), known)
        endpoints = {"AWS_ENDPOINT_URL": aws.address, "AWS_ENDPOINT_URL_LAMBDA": neighbours.address}
        for name in template.functions:
            functions[name] = LambdaFunction(name, built, aws.known, endpoints, folder)
        # The others' events are those of a bot without an admin chat.
        functions["AlertsFunction"].variables["ADMIN_CHAT_ID"] = str(ADMIN_ID)
        yield World(aws, telegram, functions, neighbours, programs)


@pytest.fixture
def world(surroundings: World) -> Iterator[World]:
    """A world in which nothing has happened: empty queues and tables, a registered bot, and no call to Telegram."""
    surroundings.cloud.clear()
    surroundings.neighbours.answers.clear()
    surroundings.logged()
    with surroundings.telegram as telegram:
        store_identity(surroundings.cloud.dynamodb, "StateTable", IDENTITY)
        assert telegram.calls() == []
        yield surroundings
    sys.stdout.write(surroundings.logged())  # pytest shows it where a test failed
