"""Everything between the user and a running bot, looked at once.

Each theme reads its facts by an edge function (``read_...``) and judges them by a pure one
(``judge_...``). What cannot be asked is ``unknown`` with its reason, and stops nothing else.

::

    findings.py         a finding, the checks and their groups
    catalog.py          every finding there is: its words and its remedy (docs/doctor.md)
    run.py              all checks, in their order
    asking.py           an answer, or why there is none

    configuration.py    cfgen.toml
    account.py          credentials, account, this machine's clock
    permissions.py      what the identity may do
    plugin.py           the Session Manager plugin
    stack.py            the stack, its type of instance, the account's default disk key
    wheels.py           whether the host can install what the bot requires
    host.py             the instance, its agent
    session_manager.py  the account's preferences for sessions, and what the host's role needs
    version.py          the version wanted, the one there, a bootstrap that failed
    image.py            the machine image
    keys.py             the broker's keys in the secret
    runs.py             the brake, and how each job's last run ended
    alarms.py           alarms, and whether anybody is told of them
    broker.py           one real token, asked for by the host (``--live``)
    ask-broker          the program that the host runs for that
"""
