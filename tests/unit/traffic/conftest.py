"""A traffic table that lives in this process."""

from tests.integration.worker.conftest import clock, cloud

__all__ = ["clock", "cloud"]
