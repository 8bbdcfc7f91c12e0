"""What each program of a local stack gets to see of this machine's environment.

Problem: real AWS credentials, profiles and endpoints must never leak into a local run; and the local AWS hands its
whole environment on to the functions, so that a variable of yours could change what the bot does.
Rule: sam, which needs proxies and certificates for pip, gets everything but what is named here. The local AWS and the
local Telegram get nothing but what is named here.
Hazard: MAKEFLAGS of `make run` would reach the layers' makefiles through sam; so would ARCHITECTURE, and a real bot's
TOKEN, which MAKEFLAGS holds as well.
"""

import os
import platform
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from local.bridge.account import API_VARIABLE, TOKEN_VARIABLE
from local.ports import HOST, TELEGRAM_VARIABLE, Ports

REGION = "us-east-1"
BOT_TOKEN = "123456:local"  # noqa: S105 - the local Telegram's token
#: What the template makes, and what sam and the local AWS need for it. Others would only cost memory.
SERVICES = (
    "apigateway,cloudformation,cloudwatch,dynamodb,events,iam,kms,lambda,logs,s3,scheduler,secretsmanager,sns,sqs,"
    "ssm,sts"
)
_KEPT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ")
_DROPPED = {"ARCHITECTURE", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "TOKEN"}
_DROPPED_PREFIXES = ("AWS_", "PYTHON", "SAM_CLI_", "UV_PROJECT", "VIRTUAL_ENV", "__SAM_CLI_")
#: How this machine gets to the internet.
_OUTWARD = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NOT_PROXIED = "127.0.0.1,localhost,.localhost"


def architecture(machine: str | None = None) -> str:
    """Return what Lambda calls this machine's processor: arm64 or x86_64."""
    return "arm64" if (machine or platform.machine()).lower() in ("aarch64", "arm64") else "x86_64"


def endpoint(ports: Ports) -> str:
    """Return the address of the local AWS."""
    return f"http://{HOST}:{ports.aws}"


def credentials() -> dict[str, str]:
    """Return what makes an AWS client ask nobody who it is, and never the real AWS."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment less all that could change where and what is built and deployed."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES)
    }


def for_sam(environ: Mapping[str, str], ports: Ports, *, bin_folder: Path, state: Path) -> dict[str, str]:
    """Return the environment of `sam`; `bin_folder` holds its python3.13, `state` what it would keep in your home."""
    clean = without_aws(environ)
    return {
        **clean,
        **credentials(),
        "AWS_ENDPOINT_URL": endpoint(ports),
        "ARCHITECTURE": architecture(),
        "PATH": f"{bin_folder}{os.pathsep}{clean.get('PATH', os.defpath)}",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "__SAM_CLI_APP_DIR": str(state),
        "NO_PROXY": _NOT_PROXIED,
        "no_proxy": _NOT_PROXIED,
    }


def for_aws(environ: Mapping[str, str], ports: Ports, *, folder: Path) -> dict[str, str]:
    """Return the environment of the local AWS, which keeps its files in `folder` and opens one port."""
    return {
        **kept(environ),
        **credentials(),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(ports.aws),
        "SERVICES": SERVICES,
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": REGION,
        "TMPDIR": str(folder / "tmp"),
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # It looks for containers of its own to remove, also those of other people's local AWS.
        "DOCKER_HOST": f"unix://{folder / 'no-docker.sock'}",
    }


def parameters(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the template's parameters that FLOODGATE_PARAMETERS gives, written as `Name=value Name='two words'`."""
    return dict(word.partition("=")[::2] for word in shlex.split(environ.get("FLOODGATE_PARAMETERS", "")))


def parameters_of(template: str) -> list[str]:
    """Return the names of the parameters that a template's text declares, in its order."""
    section = re.search(r"^Parameters:\n((?:(?: .*|#.*)?\n)*)", template, re.MULTILINE)
    return re.findall(r"^  (\w+):", section[1], re.MULTILINE) if section else []


def for_telegram(environ: Mapping[str, str], ports: Ports) -> dict[str, str]:
    """Return the environment of the local Telegram."""
    return {
        **kept(environ),
        TELEGRAM_VARIABLE: str(ports.telegram),
        "FLOODGATE_TELEGRAM_TOKEN": BOT_TOKEN,
    }


def for_bridge(environ: Mapping[str, str], ports: Ports, *, local_token: str, token: str, api: str) -> dict[str, str]:
    """Return the environment of the bridge, the only program that gets to see the real token."""
    outward = {name: environ[name] for each in _OUTWARD for name in (each, each.lower()) if name in environ}
    spared = [environ.get("no_proxy") or environ.get("NO_PROXY"), _NOT_PROXIED]
    not_proxied = ",".join(filter(None, spared))
    return {
        **for_telegram(environ, ports),
        **outward,
        "NO_PROXY": not_proxied,
        "no_proxy": not_proxied,
        "FLOODGATE_TELEGRAM_TOKEN": local_token,
        TOKEN_VARIABLE: token,
        API_VARIABLE: api,
    }


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what every program of a local stack gets to see, and every function."""
    return {name: environ[name] for name in _KEPT if name in environ}
