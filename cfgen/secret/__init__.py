"""The broker's keys: their shapes, and their way into the stack's secret. None is ever printed."""
