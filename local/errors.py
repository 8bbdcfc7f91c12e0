"""What can go wrong on your machine, as sentences for the person at the terminal.

::

    LocalError            its text says what is wrong and what to do
    ├── PortUnusable      a port is taken, or is no port            (local.ports)
    ├── StepFailed        a command of a step failed; with its log  (local.processes)
    ├── ProgramEnded      a program that should run has ended       (local.processes)
    ├── DeploymentFailed  sam deploy failed; with the reasons       (local.stack)
    ├── NotRegistered     the registrar could not set the webhook   (local.deployment)
    ├── NotTraced         a reference leads to no log line          (local.trace)
    ├── TokenUnusable, TelegramApiUnusable, TelegramUnreachable, WebhookInTheWay
    │                     the real Telegram is not to be had        (local.bridge)
    └── StackUnusable     a stack is not there or does not answer   (local.aws)
"""


class LocalError(Exception):
    """Something is wrong on this machine; the text is meant for people."""
