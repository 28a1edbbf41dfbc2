"""The entry of the command, as `semoe` and as `python -m semoe`."""

import gc
import sys


def main() -> None:
    """Runs the command."""
    # Loading a program makes many objects and no garbage; looking for it all the while costs a tenth of the time.
    gc.disable()
    try:
        from semoe.cli import app  # noqa: PLC0415  (only now)
    except KeyboardInterrupt:
        sys.exit(130)  # as any Ctrl-C; nothing is begun yet

    gc.freeze()
    gc.enable()
    app.main()


if __name__ == "__main__":
    main()
