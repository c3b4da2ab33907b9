"""From a template to a running stack, telling the truth on the way.

::

    states.py      what a deploy does in each state that a stack can be in; pure
    events.py      events of a stack and findings of its validation, as values; pure
    changeset.py   a change set as a value; pure
    manner.py      how a change is made: what becomes of a failure, special ways; pure
    guards.py      what must not happen unasked; pure
    policy.py      the stack policy, which says the same to other tools; pure
    parameters.py  which value each parameter gets, and where from; pure
    redact.py      what is shown of a value; pure
    causes.py      why it failed: the earliest real cause of each resource; pure
    remedies.py    what to do about a failure that is known; pure
    body.py        a template's text, as small as it must be; pure
    worktree.py    what lies in the app's folder, by git
    imports.py     which files the bot's programs import; pure
    packing.py     what is packed, and what is asked or refused first; pure
    archive.py     a .tar.gz by its content alone; pure
    bundle.py      a local app folder, packed
    source.py      a git source at its commit, whatever ref was typed
    requirements.py  what a requirements file asks for on a host, and its locked list; pure
    wheels.py      what pip would install on a host
    app.py         commit and requirements made certain before a deploy
    bucket.py      how our bucket is protected; pure
    artifacts.py   our bucket, for what is too large for a call
    waiting.py     how to wait for AWS
    stack.py       the calls to CloudFormation, with clients, clock and sleep passed in
    plan.py        from a wish to a change set, for deploy and diff
    execution.py   starting the change, and setting what protects the stack afterwards
    following.py   an operation followed to its end, whatever comes in between
    failure.py     a failed operation, told
    arriving.py    waiting until the host has what the stack says
    run.py         the deploy itself, step by step
    diff.py        the same without executing, and without anything left behind
    drift.py       what was changed by hand
    fates.py       what dies, what stays, what keeps billing; pure
    buckets.py     emptying the stack's buckets
    destroy.py     the stack's end
    rollback.py    ways out of a stack that got stuck
    rehearse.py    a deploy against an AWS in memory
"""
