"""What was sent: unpacked, sorted, put back on our edition. Read intake, archives, notebooks, reattach."""
