"""What a person or a monitor sees of work in progress; what the package counts on is `metrics.metrics`."""

from semoe.telemetry.console import plain_console
from semoe.telemetry.progress import Advance, progress
from semoe.telemetry.server import serving
from semoe.telemetry.step_clock import StepClock

__all__ = ["Advance", "StepClock", "plain_console", "progress", "serving"]
