#!/bin/bash
# All else is in the metadata of this resource, so that cfn-hup can apply a change to a running host.
/opt/aws/bin/cfn-init --verbose --stack ${AWS::StackName} --resource @HOST@ --region ${AWS::Region}
status=$?
reason='the bootstrap failed before its first step: see /var/log/cfn-init.log'
if [ $status -ne 0 ]; then
  reason=$(cat /run/bootstrap-failed || echo "$reason")
  tell=/usr/local/lib/trading-bot/tell
  if [ -x $tell ]; then
    # A stack tells of its first host's failure; of a later one's, nobody would.
    # shellcheck source=/dev/null
    (set -a && . /etc/trading-bot/stack.env && $tell 'Trading bot: a new host does not come up' "$reason")
  fi
  # The failure may end this host: let the agent send the log first.
  sleep 20
fi
/opt/aws/bin/cfn-signal --exit-code $status --reason "$reason" --stack ${AWS::StackName} --resource @HOST@ --region ${AWS::Region}
