"""What every script does alike: its command line, what it says, how it ends."""
import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WRONG_INPUT = 2
INTERRUPTED = 130


class Trouble(Exception):
    """What the user has to know, in one sentence."""


def name():
    """The script's path in the project."""
    return str(pathlib.Path(sys.argv[0]).resolve().relative_to(ROOT))


def parser(description):
    """Of the script whose own words the help begins with, line by line as they are."""
    return argparse.ArgumentParser(prog=name(), description=description.strip(),
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def say(text):
    print(text, file=sys.stderr, flush=True)


def end_with(main):
    """Ends the script with the exit code of its `main` (None: 0), or with its trouble."""
    try:
        sys.exit(main())
    except (Trouble, OSError) as error:
        say(f"{name()}: {error}")
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
