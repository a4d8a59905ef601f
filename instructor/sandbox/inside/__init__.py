"""What runs inside the sandboxes, and all of the kit that they get to see.

``student`` executes a notebook, bounded by ``confine``; ``checker`` asks it for its answers and marks them,
in another sandbox. They speak through a socket (``wire``), in values that cannot execute (``codec``).
"""
