"""A worker whose function changes finishes what it has in hand, as on AWS, and then goes; and which one has some shows.

Problem: ministack ends all workers of a function at once when its code changes, or when one of them cannot start, and
with them what they have in hand: a save during `make run` would leave ten people waiting for the visibility timeout.
Rule: a worker that is in use leaves the pool, so that nothing new reaches it, and ends when it is released; the others
end at once, in a thread, for everything waits for the caller. While a worker has something in hand a file IN_HAND lies
beside its code, in the folder above the one that its process is in.

Replaces `invalidate_worker` and `release_worker` of lambda_runtime, which lambda_svc knows by name, and adds to
`acquire_worker` and `Worker._spawn`.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

IN_HAND = "in-hand"


def install() -> None:
    """Put everything in its place."""
    acquire, spawn = lambda_svc.acquire_worker, lambda_runtime.Worker._spawn

    def acquire_and_show(*args: Any, **kwargs: Any) -> Any:
        worker, reason = acquire(*args, **kwargs)
        if worker is not None:
            _show(worker)
        return worker, reason

    def spawn_and_show(worker: Any) -> None:
        try:
            spawn(worker)
        except BaseException:
            worker.in_use = False  # nobody releases what did not start
            raise
        if worker.in_use:
            _show(worker)

    lambda_svc.acquire_worker = acquire_and_show
    lambda_runtime.Worker._spawn = spawn_and_show
    for module in (lambda_runtime, lambda_svc):
        module.invalidate_worker = _invalidate
        module.release_worker = _release


def _invalidate(
    func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
) -> None:
    wanted = (account, region, func_name, qualifier)
    idle = []
    with lambda_runtime._lock:
        for key in list(lambda_runtime._workers):
            parts = key.split(":")
            if len(parts) == 4 and all(want in (None, part) for want, part in zip(wanted, parts, strict=True)):
                for worker in lambda_runtime._workers.pop(key):
                    worker.is_leaving = True
                    if not worker.in_use:
                        idle.append(worker)
    threading.Thread(target=lambda_runtime.kill_workers, args=(idle,), daemon=True).start()


def _release(worker: Any) -> None:
    if worker is None:
        return
    with suppress(OSError):
        _mark(worker).unlink()
    with lambda_runtime._lock:
        worker.in_use = False
        leaves = getattr(worker, "is_leaving", False)
    if leaves:
        lambda_runtime.kill_workers([worker])


def _show(worker: Any) -> None:
    if worker._tmpdir:
        with suppress(OSError):  # its folder is not there yet, or no more
            _mark(worker).touch()


def _mark(worker: Any) -> Path:
    return Path(worker._tmpdir or "") / IN_HAND
