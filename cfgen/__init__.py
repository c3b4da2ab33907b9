"""cfgen: the cheapest safe way to run one small trading bot on AWS.

The data goes one way, each arrow a function in ``pipeline.py``::

    cfgen.toml + flags -> Config -> Workload
    price source -> Market -> plans + bills -> Recommendation -> Lock
    Config + Lock -> Template -> findings (lint) -> template.yaml
    template.yaml -> change set -> shown -> executed -> events -> outputs

and these are the rooms::

    cli/        a file a command: parse, one call into the pipeline, render
    pipeline.py the stages, named, in order
    operations.py  what is done to a stack that is there
    config.py   cfgen.toml          lock.py    cfgen.lock
    template/   Config + Plan -> troposphere, a module a layer; pure
    host/       what lies on the machine: real unit files and scripts
    lint/       cfn-lint in process
    secret/     the broker's keys, on their way into the stack's secret
    bot/        the running bot: its host, log, status, and the way in
    doctor/     everything between the user and a running bot, each finding with its remedy
    detect/     what a bot's folder says of the bot, for cfgen init
    deploy/     change sets, events, causes, and the rehearsal
    report/     text and JSON for people and programs
    aws.py      sessions and clients: made here, nowhere else
    key_patterns.py  what a key looks like, for all who must not let one through
    errors.py   what can go wrong, and the exit codes
"""

__version__ = "0.1.0"
