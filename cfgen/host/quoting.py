"""Writing values so that systemd reads them back. Pure."""

import re


def quote_argument(text: str) -> str:
    """Write one argument of ``ExecStart=``.

    systemd splits at blanks, reads C escapes within double quotes, and expands ``%`` and ``$``
    everywhere unless doubled (systemd.service(5), "COMMAND LINES"; systemd.unit(5), "SPECIFIERS").
    """
    if re.fullmatch(r"[A-Za-z0-9_./:=,+@-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def quote_value(text: str) -> str:
    """Write a value in an ``EnvironmentFile=``, whose double quotes work as a shell's do."""
    return '"' + re.sub(r'([\\"`$])', r"\\\1", text) + '"'
