#!/bin/bash
# All else is in the metadata of this resource, so that a change of it reaches a running host, too.
/opt/aws/bin/cfn-init --verbose --stack ${AWS::StackName} --resource @HOST@ --region ${AWS::Region}
status=$?
here=/usr/local/lib/trading-bot
if [ $status -ne 0 ]; then
  if [ ! -e /run/bootstrap-failed ]; then
    reason="cfn-init failed before the first step: $(tail -n 1 /var/log/cfn-init.log | cut -c 1-300)"
    echo "$reason" >/run/bootstrap-failed
    [ ! -x $here/report ] || $here/report failed step=cfn-init "reason=$reason"
  fi
  # What is said here reaches EC2's console output, where nothing else does.
  tail -n 15 /var/log/cfn-init.log
  cat /run/bootstrap-failed
  if [ -x $here/tell ]; then
    # A stack tells of its first host's failure; of a later one's, nobody would.
    # shellcheck source=/dev/null
    (set -a && . /etc/trading-bot/stack.env && $here/tell 'Trading bot: a new host does not come up' "$(cat /run/bootstrap-failed)")
  fi
  # The failure may end this host: let the agent send the log first.
  sleep 20
fi
/opt/aws/bin/cfn-signal --exit-code $status --stack ${AWS::StackName} --resource @HOST@ --region ${AWS::Region}
