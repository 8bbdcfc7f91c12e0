"""The commands behind the Makefile: `.venv/bin/python -m local --help`."""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Sequence

from local import environment
from local.aws import LocalAws, StackUnusable
from local.deployment import Deployment, Saved, client, own_runbook
from local.errors import LocalError
from local.handlers.new.writing import told, write
from local.ports import Ports
from local.run import Wishes, run
from local.stack import ROOT
from local.trace import DAYS, Logs, show

#: What the webhook's events show; the deployed secret is a random one. Its name in the local AWS is the same.
EVENTS_SECRET = "local-webhook-secret"  # noqa: S105 - of the local AWS only
_HOST_SEEN_BY_CONTAINERS = "host.docker.internal"
_TEMPLATE = ".run/template.yaml"
#: Options that say which deployment is meant.
_WHERE = ("stack_name", "region", "profile")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command and return its exit code; 1, with a sentence, if it cannot be."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def env_file(variables: dict[str, dict[str, str]], aws: LocalAws) -> str:
    """Return the text for `sam local invoke --env-vars`: for each function its variables, and where its AWS is.

    Addresses are those that a container sees; the webhook's stays, because Telegram goes there and not the function.
    """
    text = json.dumps({name: {**own, **_where(aws)} for name, own in variables.items()}, indent=2) + "\n"
    return re.sub(r"//(127\.0\.0\.1|localhost):", f"//{_HOST_SEEN_BY_CONTAINERS}:", text)


def env_template(template: str, aws: LocalAws, architecture: str) -> str:
    """Return the template for `sam local invoke`, to stand in .run: the sources, and the layers that `make run` built.

    Hazard: sam drops variables that the template does not name: the function would then talk to the real AWS, as you.
    """
    layers = f"build-{architecture}/{aws.endpoint.rpartition(':')[2]}"
    for old, new in (
        (
            "Globals:\n  Function:\n",
            f"Globals:\n  Function:\n    Environment: {json.dumps({'Variables': _where(aws)})}\n",
        ),
        ("Architectures: [!Ref Architecture]", f"Architectures: [{architecture}]"),
        ("CodeUri: ", "CodeUri: ../"),
        ("ContentUri: layers/dependencies/", f"ContentUri: {layers}/DependenciesLayer/"),
        ("ContentUri: layers/charts/", f"ContentUri: {layers}/ChartsLayer/"),
        ("ContentUri: layers/floodgate/", f"ContentUri: {layers}/FloodgateLayer/"),
    ):
        template = template.replace(old, new)
    return template


def _events_secret(aws: LocalAws) -> str:
    secrets = aws.client("secretsmanager")
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=EVENTS_SECRET, SecretString=EVENTS_SECRET)
    return str(secrets.describe_secret(SecretId=EVENTS_SECRET)["ARN"])


def _where(aws: LocalAws) -> dict[str, str]:
    own = {name: value for name, value in environment.credentials().items() if not name.endswith("_FILE")}
    # sam would hand on the token of your session, too.
    return {**own, "AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL": aws.endpoint}


def _run(_options: argparse.Namespace) -> int:
    return run(Ports.from_env(os.environ), Wishes.take(os.environ))


def _env(options: argparse.Namespace) -> int:
    aws = LocalAws(Ports.from_env(os.environ))
    variables = aws.variables()
    variables["WebhookFunction"]["WEBHOOK_SECRET_ARN"] = _events_secret(aws)
    (ROOT / options.file).write_text(env_file(variables, aws))
    (ROOT / _TEMPLATE).parent.mkdir(exist_ok=True)
    (ROOT / _TEMPLATE).write_text(env_template((ROOT / "template.yaml").read_text(), aws, environment.architecture()))
    sys.stdout.write(
        f"{options.file} and {_TEMPLATE} are written. Try:\n\n"
        f"  sam local invoke WorkerFunction -t {_TEMPLATE} -n {options.file} -e events/worker__describe.json \\\n"
        f"    --add-host {_HOST_SEEN_BY_CONTAINERS}:host-gateway\n"
    )
    return 0


def _new(options: argparse.Namespace) -> int:
    sys.stdout.write(told(options.name, write(options.name, ROOT)))
    return 0


def _register(options: argparse.Namespace) -> int:
    answer = Deployment.of(_saved(options)).register()
    sys.stdout.write("Telegram has now:\n" + json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    return 0


def _retained(options: argparse.Namespace) -> int:
    sys.stdout.write(Deployment.of(_saved(options)).retained())
    return 0


def _trace(options: argparse.Namespace) -> int:
    show(_logs(options), options.reference, options.days)
    return 0


def _logs(options: argparse.Namespace) -> Logs:
    """Return the logs of the local stack, if one runs and nobody asks for another, or else of the deployment."""
    if any(getattr(options, name) for name in _WHERE):
        return _deployed_logs(options)
    aws = LocalAws(Ports.from_env(os.environ))
    try:
        return Logs(aws.logs, aws.outputs())
    except StackUnusable as nothing_local:
        try:
            return _deployed_logs(options)
        except StackUnusable as nothing_deployed:
            raise StackUnusable(f"{nothing_local}\nNor is a deployment found. {nothing_deployed}") from nothing_deployed


def _deployed_logs(options: argparse.Namespace) -> Logs:
    saved = _saved(options)
    return Logs(client(saved, "logs"), Deployment.of(saved).outputs())


def _architecture(options: argparse.Namespace) -> int:
    sys.stdout.write(_saved(options).architecture(options.given) + "\n")
    return 0


def _overrides(options: argparse.Namespace) -> int:
    sys.stdout.write(_saved(options).overrides(options.given, own_runbook(ROOT)) + "\n")
    return 0


def _saved(options: argparse.Namespace) -> Saved:
    saved = Saved.read(ROOT / "samconfig.toml")
    given = {name: getattr(options, name, None) for name in _WHERE}
    return dataclasses.replace(saved, **{name: value for name, value in given.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(command=command)
        return added

    def add_where(parser: argparse.ArgumentParser, otherwise: str = "as samconfig.toml says") -> None:
        for option in _WHERE:
            parser.add_argument(f"--{option.replace('_', '-')}", help=f"({otherwise})")

    add("run", _run, "run a local stack until Ctrl-C")
    env = add("env", _env, "write the functions' variables of the running local stack for `sam local invoke`")
    env.add_argument("--file", default="env.json", help="where to (%(default)s)")
    new = add("new", _new, "write a feature of the bot, and its test")
    new.add_argument("name", nargs="?", default="", help="such as weather: the command, the module and the function")
    for name, command, words in (
        ("register", _register, "set the deployed bot's webhook and commands anew"),
        ("retained", _retained, "say what stays when the deployed stack is deleted"),
    ):
        add_where(add(name, command, words))
    trace = add("trace", _trace, "print every log line of the update that has a reference")
    trace.add_argument("reference", help="such as K7QM2-XWD3A, which people and the admin chat are told")
    trace.add_argument("--days", type=float, default=DAYS, help="how far back to look (%(default)s)")
    add_where(trace, "the local stack, if one runs, or else as samconfig.toml says")
    for name, command, words in (
        ("architecture", _architecture, "print what to build the layer for"),
        ("overrides", _overrides, "print the parameters for `sam deploy`"),
    ):
        add(name, command, words).add_argument("given", nargs="?", default="", choices=("", "arm64", "x86_64"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
