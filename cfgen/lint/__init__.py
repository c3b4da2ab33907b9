"""cfn-lint, in process."""
