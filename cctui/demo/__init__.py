"""The demo night: simulated Claude, simulated windows; everything else is real."""
