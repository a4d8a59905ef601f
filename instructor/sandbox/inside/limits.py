"""What one submission may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one student's process and of all that it starts.

    Attributes:
        cell: seconds for one cell, or for one call of a student's function.
        notebook: seconds for a whole notebook.
        memory: bytes.
        processes: processes at a time.
        disk: bytes of all files written; they live in memory.
        file: bytes of one file, and of all of /dev/shm.
    """

    cell: float = 120
    notebook: float = 600
    memory: int = 4 * 2**30
    processes: int = 64
    disk: int = 512 * 2**20
    file: int = 256 * 2**20

    @property
    def threads(self) -> int:
        """Threads of all processes at a time; TensorFlow has some for each core."""
        return 4 * self.processes + 200
