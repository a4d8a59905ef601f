"""What the lab stands on (Python, packages, CIFAR-10's files), with the standard library only."""
