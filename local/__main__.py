"""The commands behind the Makefile: `uv run python -m local --help`."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Sequence

from local import environment
from local.aws import LocalAws
from local.deployment import Deployment, Saved
from local.errors import LocalError
from local.ports import Ports
from local.run import run
from local.stack import ROOT


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
    """Return the text for `sam local invoke --env-vars`: for each function its variables, and where its AWS is."""
    where = {name: value for name, value in environment.credentials().items() if not name.endswith("_FILE")}
    where["AWS_ENDPOINT_URL"] = aws.endpoint
    return json.dumps({name: {**own, **where} for name, own in variables.items()}, indent=2) + "\n"


def _run(_options: argparse.Namespace) -> int:
    return run(Ports.from_env(os.environ))


def _env(options: argparse.Namespace) -> int:
    aws = LocalAws(Ports.from_env(os.environ))
    text = env_file(aws.variables(), aws)
    (ROOT / options.file).write_text(text)
    sys.stdout.write(f"{options.file} is written. Try: sam local invoke WebhookFunction --env-vars {options.file}\n")
    return 0


def _register(options: argparse.Namespace) -> int:
    answer = Deployment.of(_saved(options)).register()
    sys.stdout.write("Telegram has now:\n" + json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    return 0


def _retained(options: argparse.Namespace) -> int:
    sys.stdout.write(Deployment.of(_saved(options)).retained())
    return 0


def _architecture(options: argparse.Namespace) -> int:
    sys.stdout.write(_saved(options).architecture(options.given) + "\n")
    return 0


def _overrides(options: argparse.Namespace) -> int:
    sys.stdout.write(_saved(options).overrides(options.given) + "\n")
    return 0


def _saved(options: argparse.Namespace) -> Saved:
    saved = Saved.read(ROOT / "samconfig.toml")
    given = {name: getattr(options, name, None) for name in ("stack_name", "region", "profile")}
    return dataclasses.replace(saved, **{name: value for name, value in given.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(command=command)
        return added

    add("run", _run, "run a local stack until Ctrl-C")
    env = add("env", _env, "write the functions' variables of the running local stack for `sam local invoke`")
    env.add_argument("--file", default="env.json", help="where to (%(default)s)")
    for name, command, words in (
        ("register", _register, "set the deployed bot's webhook and commands anew"),
        ("retained", _retained, "say what stays when the deployed stack is deleted"),
    ):
        added = add(name, command, words)
        for option in ("stack-name", "region", "profile"):
            added.add_argument(f"--{option}", help="(as samconfig.toml says)")
    for name, command, words in (
        ("architecture", _architecture, "print what to build the layer for"),
        ("overrides", _overrides, "print the parameters for `sam deploy`"),
    ):
        add(name, command, words).add_argument("given", nargs="?", default="", choices=("", "arm64", "x86_64"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
