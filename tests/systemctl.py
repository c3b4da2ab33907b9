"""A systemctl that knows units by files: what scripts ask it, and what they make it do."""

from pathlib import Path

PROGRAM = r"""#!/bin/bash
echo "systemctl $*" >>{calls}
cd {units} || exit
case $1 in
  show)
    cat "$4/${{2#--property=}}" 2>/dev/null
    ;;
  stop)
    for unit in "${{@:2}}"; do
      [ ! -e "$unit/stays" ] || continue
      mkdir -p "$unit"
      echo inactive >"$unit/ActiveState"
    done
    ;;
  start)
    for unit in "${{@:3}}"; do
      mkdir -p "$unit"
      [ ! -e "$unit/refused" ] || exit 5
      # What it does on each look after its start.
      [ ! -e "$unit/then" ] || bash "$unit/then"
    done
    ;;
esac
exit 0
"""


class Systemctl:
    """Puts the program into a folder of programs."""

    def __init__(self, programs: Path) -> None:
        programs.mkdir(exist_ok=True)
        self.programs = programs
        self._units = programs / "units"
        self._units.mkdir()
        self._calls = programs / "systemctl.calls"
        self._calls.touch()
        program = programs / "systemctl"
        program.write_text(PROGRAM.format(calls=self._calls, units=self._units))
        program.chmod(0o755)

    def is_in(self, unit: str, **properties: str) -> None:
        """Set properties of a unit, such as ``ActiveState``."""
        folder = self._units / unit
        folder.mkdir(exist_ok=True)
        for name, value in properties.items():
            (folder / name).write_text(f"{value}\n")

    def starts(self, unit: str, *lines: str, **properties: str) -> None:
        """What a start does: lines of shell, and properties that are other ones then."""
        self.is_in(unit, ActiveState="inactive", InvocationID="1")
        sets = [f"echo {value} >{unit}/{name}" for name, value in properties.items()]
        (self._units / unit / "then").write_text("\n".join([*lines, *sets, ""]))

    def stays(self, unit: str) -> None:
        """Let a unit outlive a stop."""
        (self._units / unit / "stays").touch()

    def refuses(self, unit: str) -> None:
        """Let a start fail."""
        (self._units / unit / "refused").touch()

    @property
    def calls(self) -> list[str]:
        """Each call that was no question."""
        lines = self._calls.read_text().splitlines()
        return [line for line in lines if " show " not in line]
