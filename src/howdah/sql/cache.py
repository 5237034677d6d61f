"""What was said of this text before? One dictionary look-up on the hot path, in bounded memory.

Two generations of entries: a young one, and the one before it. A hit in the young one moves nothing. When the young one
is full, it becomes the old one, and what the old one held is forgotten; what is asked for meanwhile returns to the
young one. So whatever is used at least once a generation stays, and a flood of texts that never return does not drive
it out.
"""

from howdah.sql.classify import not_understood, parse
from howdah.sql.encodings import NOT_BY_BYTES, decoded
from howdah.sql.prefilter import TEXT_BYTES_MAX, without_parser
from howdah.sql.shape import shape_of
from howdah.sql.statement import Script
from howdah.sql.volatility import FunctionCatalog, Judgement, judge

ENTRY_BYTES = 700
"""What an entry costs besides its text: the key, the places in two dictionaries, script, judgement, one statement."""
STATEMENT_BYTES = 500
NAME_BYTES = 250
EFFECT_BYTES = 500


class Verdict:
    """What is known of one text: the script, and whether a standby may run it for a session without temporary objects.

    `generation` is that of the catalog it was judged by.
    """

    __slots__ = ("generation", "judgement", "read", "script")

    def __init__(self, script: Script, judgement: Judgement, generation: int) -> None:
        self.script = script
        self.judgement = judgement
        self.read = judgement.read
        self.generation = generation


class Verdicts:
    """The verdicts of one database and one client encoding. Counters only grow."""

    __slots__ = (
        "_bytes_max",
        "_catalog",
        "_encoding",
        "_generation",
        "_old",
        "_shapes",
        "_young",
        "_young_bytes",
        "hits",
        "parsed",
        "shape_hits",
    )

    def __init__(self, bytes_max: int, catalog: FunctionCatalog, encoding: str = "UTF8") -> None:
        """`bytes_max` bounds both generations together, by the estimates of `weight_bytes`."""
        self._bytes_max = bytes_max
        self._catalog = catalog
        self._encoding = encoding
        self._generation = 0
        self._shapes = encoding not in NOT_BY_BYTES
        self._young: dict[bytes, Verdict] = {}
        self._old: dict[bytes, Verdict] = {}
        self._young_bytes = 0
        self.hits = 0
        self.shape_hits = 0
        self.parsed = 0

    def look(self, text: bytes) -> Verdict:
        """What is known of this text, found out now if need be. Never raises."""
        verdict = self._young.get(text)
        if verdict is not None and verdict.generation == self._generation:
            self.hits += 1
            return verdict
        return self._find_out(text, verdict)

    def renew(self, catalog: FunctionCatalog) -> None:
        """The catalogs were read again: scripts stay, each is judged anew when it is next asked for."""
        self._catalog = catalog
        self._generation += 1

    def entries(self) -> int:
        """How many texts and shapes are known."""
        return len(self._young) + len(self._old)

    def _find_out(self, text: bytes, verdict: Verdict | None) -> Verdict:
        if verdict is None:
            verdict = self._old.get(text)
            if verdict is not None:
                self._keep(text, verdict)
        if verdict is not None:
            self.hits += 1
            return self._current(verdict)
        shape = shape_of(text) if self._shapes else None
        if shape is not None:
            verdict = self._young.get(shape) or self._old.get(shape)
            if verdict is not None:
                self.shape_hits += 1
                self._keep(shape, verdict)
                self._keep(text, verdict)
                return self._current(verdict)
        return self._parse(text, shape)

    def _parse(self, text: bytes, shape: bytes | None) -> Verdict:
        self.parsed += 1
        script = without_parser(text)
        if script is None:
            readable = decoded(text, self._encoding)
            if readable is None:
                script = not_understood(text.decode("latin-1"), f"it is not valid in {self._encoding}")
            else:
                script = parse(readable)
        verdict = Verdict(script, judge(script, self._catalog), self._generation)
        self._keep(text, verdict)
        if shape is not None and shape != text and _serves_shape(script):
            self._keep(shape, verdict)
        return verdict

    def _current(self, verdict: Verdict) -> Verdict:
        if verdict.generation != self._generation:
            verdict.judgement = judge(verdict.script, self._catalog)
            verdict.read = verdict.judgement.read
            verdict.generation = self._generation
        return verdict

    def _keep(self, text: bytes, verdict: Verdict) -> None:
        """Put an entry into the young generation, and start a new one when that is full.

        Texts that are too long to be parsed are too long to be kept.
        """
        if text in self._young or len(text) > TEXT_BYTES_MAX:
            return
        self._young[text] = verdict
        self._young_bytes += weight_bytes(text, verdict.script)
        if 2 * self._young_bytes > self._bytes_max:
            self._old = self._young
            self._young = {}
            self._young_bytes = 0


def _serves_shape(script: Script) -> bool:
    """Whether every text of this shape has the same script."""
    return script.understood and all(statement.any_literal for statement in script.statements)


def weight_bytes(text: bytes, script: Script) -> int:
    """An estimate of what an entry holds in memory, rather too high (shared strings and scripts count each time)."""
    total = ENTRY_BYTES + len(text)
    for statement in script.statements:
        names = statement.names
        count = len(names.functions) + len(names.relations) + len(names.operators) + len(names.types)
        total += STATEMENT_BYTES + NAME_BYTES * count + EFFECT_BYTES * len(statement.session)
        if statement.session:
            total += len(text)  # settings and prepared statements keep a copy
    return total
