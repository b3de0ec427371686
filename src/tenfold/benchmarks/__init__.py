"""What Tenfold is worth, measured: every figure with its protocol, from one command that repeats it."""
