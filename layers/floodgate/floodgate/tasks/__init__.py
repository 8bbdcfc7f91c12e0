"""Work for later: what takes longer than an update may, or is to be done at another time."""

from floodgate.ingress.tasks import Place
from floodgate.tasks.later import enqueue, here, later
from floodgate.tasks.task import Task, TaskDataInvalid
from floodgate.telegram.errors import UnknownTask

__all__ = ["Place", "Task", "TaskDataInvalid", "UnknownTask", "enqueue", "here", "later"]
