"""The webhook function starts on the standard library and the AWS client alone, and asks the network nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
# certifi is no need of botocore's, but it takes it where it is installed.
AWS_CLIENT = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}
PROBE = """
import json, socket, sys

before = set(sys.modules)
configs = []

def refuse(*_args, **_kwargs):
    raise AssertionError("the network was asked")

socket.socket.connect = socket.getaddrinfo = refuse
import botocore.session
create = botocore.session.Session.create_client

def create_client(self, service, **options):
    client = create(self, service, **options)
    config = client.meta.config
    configs.append([service, config.connect_timeout, config.read_timeout, config.retries, config.tcp_keepalive])
    return client

botocore.session.Session.create_client = create_client
import app

loaded = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(json.dumps({"loaded": sorted(loaded), "configs": configs, "handler": callable(app.handler)}))
"""


def probe() -> dict[str, object]:
    """Import the function in a new interpreter, as Lambda does, and return what that did."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "functions" / "webhook"), str(ROOT / "layers" / "floodgate")]),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "UPDATES_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/updates.fifo",
        "DEAD_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/dead.fifo",
        "WEBHOOK_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf",
        "EARLY_ACKNOWLEDGEMENT": "on",
        "METRICS_NAMESPACE": "Floodgate/garden",
    }
    run = subprocess.run(
        [sys.executable, "-c", PROBE], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    report: dict[str, object] = json.loads(run.stdout)
    return report


def test_the_function_starts_small_and_offline() -> None:
    """It loads no pydantic, no telegram, no powertools; two clients are made, with timeouts that fit an answer."""
    retries = {"mode": "standard", "total_max_attempts": 2}
    report = probe()
    assert set(report.pop("loaded")) - AWS_CLIENT == {"app", "floodgate"}  # type: ignore[call-overload]
    assert report == {
        "configs": [["sqs", 1, 5, retries, True], ["secretsmanager", 1, 5, retries, True]],
        "handler": True,
    }
