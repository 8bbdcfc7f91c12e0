"""Work for later: what takes longer than an update may, or is to be done at another time."""

from floodgate.tasks.later import enqueue, here, later
from floodgate.tasks.task import Task, TaskDataInvalid
from floodgate.telegram.errors import UnknownTask

__all__ = ["Task", "TaskDataInvalid", "UnknownTask", "enqueue", "here", "later"]
