"""Where a submission runs. Read room (threat model), bench, then inside."""
