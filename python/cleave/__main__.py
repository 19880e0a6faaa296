"""python3 -m cleave [SCENARIO]: runs a scenario (JSON; without one the default) and prints its
summary as JSON."""
import json
import sys

import cleave


def main(words):
    if words in (["-h"], ["--help"]):
        print("usage: python3 -m cleave [SCENARIO]\n" + __doc__)
        return 0
    if words == ["--version"]:
        print("cleave", cleave.__version__)
        return 0
    if len(words) > 1 or (words and words[0].startswith("-")):
        print("usage: python3 -m cleave [SCENARIO]", file=sys.stderr)
        return 2
    try:
        result = cleave.run(*words)
    except (cleave.InputError, OSError, json.JSONDecodeError) as error:
        print(f"cleave: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result.summary, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
