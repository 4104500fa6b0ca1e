"""The scenarios of ../README.md, played by kazoo; each prints what it sees, one JSON value a line.

usage: scenarios.py HOST:PORT SCENARIO [ARGUMENT ...]

SCENARIO is a name of the README's list, `recipes`, `random_operations SEED COUNT`, `writer ROUND` or `steady-load NAME`. The library is
found by PYTHONPATH.
"""

import logging
import os
import sys

import acl
import contents
import load
import recipes
import sessions
import steady
import watching
import znodes

logging.basicConfig(level=logging.CRITICAL)

THEMES = (znodes, acl, watching, sessions, contents, recipes, load, steady)


def main(hosts, scenario, *arguments):
    name = scenario.replace("-", "_")
    for theme in THEMES:
        play = getattr(theme, name, None)
        if play is not None and play.__module__ == theme.__name__:
            play(hosts, *arguments)
            return
    raise SystemExit("no scenario is called %s" % scenario)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    # Threads of a client that lost its session for good would keep the interpreter.
    os._exit(0)
