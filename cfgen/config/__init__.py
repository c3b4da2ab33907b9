"""``cfgen.toml``: its schema, its limits, reading it and writing a new one."""
