"""The mind: pure values and functions.  No I/O, no clock, no imports beyond the standard library and croniter."""
