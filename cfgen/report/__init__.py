"""What people and programs read. Each function gives text; the command line prints it."""
