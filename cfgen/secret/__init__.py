"""The broker's keys, out of a person's file or hands into the stack's secret.

::

    reading.py    an env file or kis_devlp.yaml: names and values
    kis_devlp.py  names of kis_devlp.yaml's fields
    refusals.py   credentials of AWS, and placeholders
    keys.py       what a bot needs, and what a key looks like
    intake.py     what is stored, what is left out, what is said
    check.py      what the secret holds, against what the bot needs
    store.py      the secret itself
"""
