#!/bin/bash
# All else is in the metadata of this resource, so that cfn-hup can apply a change to a running host.
/opt/aws/bin/cfn-init --verbose --stack ${AWS::StackName} --resource Host --region ${AWS::Region}
status=$?
reason=
if [ $status -ne 0 ]; then
  reason="bootstrap step failed: $(cat /run/trading-bot.failed || echo cfn-init)"
fi
/opt/aws/bin/cfn-signal --exit-code $status --reason "$reason" --stack ${AWS::StackName} --resource Host --region ${AWS::Region}
