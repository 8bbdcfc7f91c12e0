"""`make dashboard`: a stack of its own under a load, and the picture of its dashboard; then nothing is left running."""

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.aws import LocalAws
from local.control import TelegramControl
from local.dashboard import load
from local.dashboard.picture import picture
from local.errors import LocalError
from local.ports import Ports
from local.run import Steps
from local.stack import ROOT, Stack

#: Alarms and counts of the load's last seconds come in meanwhile.
_SETTLED_S = 20
_BEFORE = timedelta(minutes=1)


def main() -> int:
    """Carry out the command and return its exit code; 1, with a sentence, if it cannot be."""
    parser = argparse.ArgumentParser(prog="make dashboard", description=__doc__)
    parser.add_argument("--file", type=Path, default=ROOT / "docs" / "images" / "dashboard.png", help="(%(default)s)")
    parser.add_argument("--seconds", type=int, default=load.SECONDS, help="how long the load goes on (%(default)s)")
    parser.add_argument(
        "--running", type=float, metavar="MINUTES", help="no load: the last MINUTES of the stack that `make run` runs"
    )
    options = parser.parse_args()
    try:
        if options.running is None:
            _under_load(options.seconds, options.file)
        else:
            now = datetime.now(UTC)
            picture(LocalAws(Ports.from_env(os.environ)), now - timedelta(minutes=options.running), now, options.file)
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.file} is written.\n")
    return 0


def _under_load(seconds: int, file: Path) -> None:
    steps = Steps(sys.stdout)
    with Stack(Ports.free(), report=steps) as stack:
        began = datetime.now(UTC)
        with TelegramControl(stack.telegram_url) as telegram, steps(f"{seconds} s of load"):
            load.run(telegram, seconds)
        ended = datetime.now(UTC)
        time.sleep(_SETTLED_S)
        with steps("picture"):
            # The minute that the load ended in is not whole, and would look like a fall.
            picture(stack.aws, began - _BEFORE, ended.replace(second=0, microsecond=0), file)


if __name__ == "__main__":
    sys.exit(main())
