"""The Playground's random generator: David Bau's seedrandom 2.4, an ARC4 stream of doubles.

The site seeds it globally with the seed's string, so every draw (points, shuffle, weights)
comes from this one stream. Same string, same doubles, bit for bit.

Source: https://github.com/davidbau/seedrandom (2.4, ``Math.seedrandom(string)``).
"""

WIDTH = 256  # ARC4 works on bytes
CHUNKS = 6  # bytes of numerator drawn for each double
SIGNIFICANCE = 2**52  # a double has at most this many significant steps
OVERFLOW = 2**53


class SeedRandom:
    """A stream of doubles in [0, 1), the same as JavaScript's after ``Math.seedrandom(seed)``.

    The seed is a string, kept literally ("0.10000" is not "0.1").
    """

    def __init__(self, seed: str):
        key = _mix_key(seed)
        state = list(range(WIDTH))
        j = 0
        for i in range(WIDTH):
            j = (j + state[i] + key[i % len(key)]) % WIDTH
            state[i], state[j] = state[j], state[i]
        self._state, self._i, self._j = state, 0, 0
        for _ in range(WIDTH):  # "RC4-drop[256]": the first bytes are known to be weak
            self._byte()

    def copy(self) -> "SeedRandom":
        """Return an independent stream that continues from here."""
        twin = object.__new__(SeedRandom)
        twin._state, twin._i, twin._j = self._state.copy(), self._i, self._j
        return twin

    def _byte(self) -> int:
        state = self._state
        self._i = i = (self._i + 1) % WIDTH
        self._j = j = (self._j + state[i]) % WIDTH
        state[i], state[j] = state[j], state[i]
        return state[(state[i] + state[j]) % WIDTH]

    def random(self) -> float:
        """Return the next double in [0, 1), with 52 significant bits at least."""
        numerator, denominator, low = 0, WIDTH**CHUNKS, 0
        for _ in range(CHUNKS):
            numerator = numerator * WIDTH + self._byte()
        while numerator < SIGNIFICANCE:
            numerator = (numerator + low) * WIDTH
            denominator *= WIDTH
            low = self._byte()
        while numerator >= OVERFLOW:  # halve both, so that the last byte fits
            numerator //= 2
            denominator //= 2
            low >>= 1
        return (numerator + low) / denominator

    def uniform(self, low: float, high: float) -> float:
        """Return the next double scaled to [low, high), rounded as the site rounds it."""
        return self.random() * (high - low) + low


def _mix_key(seed: str) -> list[int]:
    """Fold the seed's UTF-16 code units into at most 256 key bytes (seedrandom's ``mixkey``)."""
    text = seed.encode("utf-16-le", "surrogatepass")
    units = [text[k] + 256 * text[k + 1] for k in range(0, len(text), 2)]
    key: dict[int, int] = {}
    smear = 0
    for position, unit in enumerate(units):
        slot = position % WIDTH
        smear ^= key.get(slot, 0) * 19
        key[slot] = (smear + unit) % WIDTH
    return [key[slot] for slot in range(len(key))] or [0]
