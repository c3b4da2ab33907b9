#!/bin/bash
# All else is in the metadata of this resource, so that cfn-hup can apply a change to a running host.
/opt/aws/bin/cfn-init --verbose --stack ${AWS::StackName} --resource Host --region ${AWS::Region}
status=$?
if [ $status -ne 0 ]; then
  # The failure ends this host: let the agent send the log first.
  sleep 20
fi
/opt/aws/bin/cfn-signal --exit-code $status --stack ${AWS::StackName} --resource Host --region ${AWS::Region}
