"""The running bot: where its host is, what it says, how it does, and the way in.

::

    host.py     which instance it is, and whether it can be reached
    logs.py     its log, out of CloudWatch
    command.py  commands on it, by Run Command
    brake.py    whether its jobs may run: pause, resume, and a run by hand
    report.py   what the host says of itself: what it has, how far a change is
    session.py  Session Manager's sessions, by its plugin
    runs.py     when the jobs run next, and how their last runs ended
    status.py   how stack, host and alarms are, and when the bot runs next
"""
