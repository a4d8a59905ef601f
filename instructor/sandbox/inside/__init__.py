"""What runs inside the sandboxes, and all of the kit that they get to see.

``student`` executes a notebook, in a process of its own; ``checker`` asks it for its answers and marks them,
in another sandbox. They speak through a socket (``wire``), in values that cannot execute (``codec``).
``nursery`` starts student processes fast and ``confine`` shuts each of them in.
"""
