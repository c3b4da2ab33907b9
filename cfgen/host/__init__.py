"""What lies on the machine, as real files that tools can check.

::

    units/     systemd units, to /etc/systemd/system
    scripts/   programs, to /usr/local/lib/trading-bot
    remote/    scripts that the command line sends to the host when it needs them (Run Command)
    etc/       settings of the CloudWatch agent, cfn-hup, logrotate; and the user data

Units hold ``@NAME@`` where a setting of cfgen.toml goes, filled in by ``render.py``. Files in
``etc/`` may hold CloudFormation's own ``${NAME}``, filled in by ``Fn::Sub``. Scripts hold neither:
they read /etc/trading-bot/stack.env.
"""
