"""The version that the stack wants, and the one that the host says it has. Pure."""

from collections.abc import Iterator, Sequence

from cfgen.bot.report import Report
from cfgen.doctor.catalog import found
from cfgen.doctor.findings import Finding, ok


def judge_version(wanted: str, reports: Sequence[Report]) -> Iterator[Finding]:
    """``wanted`` is empty where the stack's template names none."""
    told = sorted(reports, key=lambda one: one.time)
    ended = [one for one in told if one.event in ("done", "failed")]
    last = ended[-1] if ended else None
    if not wanted:
        yield found("version-old")
    elif last and last.event == "failed":
        reason = last.reason or "it gave no reason"
        yield found("version-failed", step=last.step, time=_time(last), reason=reason)
    elif last and last.version == wanted:
        commit = f", commit {last.commit[:12]}" if last.commit else ""
        yield ok("version", f"{wanted}{commit}, there since {_time(last)} UTC")
    elif last:
        yield found("version-behind", wanted=wanted, there=f"{last.version} of {_time(last)} UTC")
    else:
        yield found("version-untold", wanted=wanted)


def _time(report: Report) -> str:
    return f"{report.time:%Y-%m-%d %H:%M}"
