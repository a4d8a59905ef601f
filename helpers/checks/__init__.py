"""The checks of each part's answers: they replay experiments and hold no solution."""
