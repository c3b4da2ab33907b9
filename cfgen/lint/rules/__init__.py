"""cfgen's own rules for cfn-lint: what is valid, and should not be deployed all the same.

They run in ``cfgen lint``, on any template, and in cfn-lint itself::

    cfn-lint template.yaml --append-rules cfgen.lint.rules

cfn-lint takes the rules that this module names; each stands in a file of its own. Ids that begin
with E9 are errors, those with W9 warnings.
"""

from cfgen.lint.rules.alarm_action import AlarmWithoutAction
from cfgen.lint.rules.fixed_name import RetainedWithFixedName
from cfgen.lint.rules.image import ImageThatMoves
from cfgen.lint.rules.imds import InstanceMetadataV1
from cfgen.lint.rules.open_port import WorldOpenPort
from cfgen.lint.rules.retention import LogGroupWithoutRetention
from cfgen.lint.rules.secret_value import SecretValue
from cfgen.lint.rules.time_zone import ScheduleWithoutTimeZone
from cfgen.lint.rules.unencrypted_disk import UnencryptedDisk
from cfgen.lint.rules.wildcard import WildcardPolicy

__all__ = [
    "AlarmWithoutAction",
    "ImageThatMoves",
    "InstanceMetadataV1",
    "LogGroupWithoutRetention",
    "RetainedWithFixedName",
    "ScheduleWithoutTimeZone",
    "SecretValue",
    "UnencryptedDisk",
    "WildcardPolicy",
    "WorldOpenPort",
]
