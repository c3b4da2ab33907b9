"""W9007."""

import re

from cfnlint.rules import CloudFormationLintRule, RuleMatch
from cfnlint.template import Template

from cfgen.lint.rules.walk import resources, section, strings

ZONE = re.compile(r"(UTC|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+|\$\{[A-Za-z0-9:.]+\})$")
NAMED = {
    "AWS::Scheduler::Schedule": ("ScheduleExpression", "ScheduleExpressionTimezone"),
    "AWS::AutoScaling::ScheduledAction": ("Recurrence", "TimeZone"),
}


class ScheduleWithoutTimeZone(CloudFormationLintRule):  # type: ignore[misc]
    """A clock time that means another one on a machine, or in a service, that keeps UTC."""

    id = "W9007"
    shortdesc = "Schedule without a time zone"
    description = "Times of schedules and of systemd timers must say which time zone they are in"
    source_url = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Look at schedules, and at timers wherever a template carries one."""
        found = []
        for kind, (time, zone) in NAMED.items():
            for _, properties, path in resources(cfn, kind):
                expression = properties.get(time)
                by_clock = kind.startswith("AWS::AutoScaling") or not (
                    isinstance(expression, str) and expression.startswith(("rate(", "at("))
                )
                if time in properties and by_clock and not properties.get(zone):
                    found.append(RuleMatch([*path, "Properties", time], f"set {zone}"))
        for _, properties, path in resources(cfn, "AWS::Events::Rule"):
            if str(properties.get("ScheduleExpression", "")).startswith("cron("):
                where = [*path, "Properties", "ScheduleExpression"]
                message = "rules keep UTC: use AWS::Scheduler::Schedule, which knows time zones"
                found.append(RuleMatch(where, message))
        everything = strings(section(cfn, "Resources"), ["Resources"])
        found += [
            RuleMatch(where, f"OnCalendar={line}: name a time zone")
            for text, where in everything
            for line in re.findall(r"(?m)^OnCalendar=(.+)$", text)
            if not ZONE.search(line.strip())
        ]
        return found
