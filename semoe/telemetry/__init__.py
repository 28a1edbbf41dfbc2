"""What a person or a monitor sees of work in progress."""

from semoe.telemetry.progress import Advance, progress

__all__ = ["Advance", "progress"]
