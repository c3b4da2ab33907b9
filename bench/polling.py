"""What following costs: calls to AWS, and how late an end is seen, for deploys of given lengths.

The deploy runs in this process against a CloudFormation of our own, by a clock that only waiting
moves: the operation is over when its time is up.
"""

from collections import Counter
from typing import Any

from cfgen.aws import Clients
from cfgen.deploy.plan import Wish
from cfgen.deploy.run import deploy
from cfgen.deploy.waiting import Waiting
from tests.cloudformation.server import FakeCloudFormation
from tests.recorded import REGION, Person, Time

BODY = "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"
LENGTHS = (30, 60, 300, 900)
BUDGET = 0.05
JITTER = 0.9
"""The mean of what pauses are multiplied with."""


def follow(length: float) -> tuple[Counter[str], float]:
    """Calls by operation, and the seconds between the end and its being seen."""
    time = Time()
    with FakeCloudFormation() as aws:

        def start(call: Any) -> None:
            if call.operation == "ExecuteChangeSet":
                aws.steps_per_poll = 0

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            if time.now >= length:
                aws.steps_per_poll = 100

        aws.before = start
        clients = Clients(REGION, endpoint_url=aws.url, credentials=("AKIDEXAMPLE", "made-up"))
        waiting = Waiting(lambda: time.now, sleep, 3600, lambda pause: pause * JITTER)
        deploy(Wish("bench", BODY, "token"), clients, waiting, Person())
        return Counter(call.operation for call in aws.calls), time.now - length


def main() -> None:
    """Measure and print."""
    print(f"{'deploy of':<12}{'calls':>6}{'looks':>7}{'seen after':>12}{'late':>7}  budget")
    for length in LENGTHS:
        calls, late = follow(length)
        looks = calls["DescribeStackEvents"]
        print(
            f"{length:>8} s  {calls.total():>6}{looks:>7}{late:>10.1f} s{late / length:>7.1%}"
            f"  {BUDGET:.0%}"
        )


if __name__ == "__main__":
    main()
