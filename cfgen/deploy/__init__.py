"""From a template to a running stack, telling the truth on the way.

::

    states.py      what a deploy does in each state that a stack can be in; pure
    changeset.py   a change set as a value; pure
    guards.py      what must not happen unasked; pure
    parameters.py  which value each parameter gets, and where from; pure
    causes.py      why it failed: the earliest real cause; pure
    body.py        a template's text, as small as it must be; pure
    bundle.py      a local app folder, packed
    artifacts.py   our bucket, for what is too large for a call
    stack.py       the calls to CloudFormation, with client, clock and sleep passed in
    plan.py        from a wish to a change set, for deploy and diff
    run.py         the deploy itself, step by step
    diff.py        the same without executing, and without anything left behind
    destroy.py     the stack's end: what dies, what stays, what keeps billing
    rollback.py    ways out of a stack that got stuck
    redact.py      what is shown of a value; pure
    rehearse.py    a deploy against an AWS in memory
"""
