"""The command line: a file a command, each parses, makes one call into the pipeline, renders.

The only package that knows click. ``boundary.py`` turns every error into one message and an exit
code; ``options.py`` holds what commands share; ``terminal.py`` is where text leaves the program.
"""
