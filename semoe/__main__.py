"""The entry of the command, as `semoe` and as `python -m semoe`."""

import gc


def main() -> None:
    """Runs the command."""
    # Loading a program makes many objects and no garbage; looking for it all the while costs a tenth of the time.
    gc.disable()
    from semoe.cli import app  # noqa: PLC0415  (only now)

    gc.freeze()
    gc.enable()
    app.main()


if __name__ == "__main__":
    main()
