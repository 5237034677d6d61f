"""Whatever the order of writes, questions, replays and failovers: a standby never claims a write that it does not show.

The model is a primary's log with writes in it, standbys that replay it late, questions whose answers are late, a clock
that stands still now and then (an event loop's cached time does), and failovers that lose what nobody had replayed.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from howdah.routing.clusterview import ClusterView, NodeView, Sample
from howdah.routing.fleet import Fleet, FleetLimits
from howdah.routing.freshness import NEVER

NAMES = ("n1", "n2", "n3")
NODES = tuple(NodeView(name, "127.0.0.1", port) for port, name in enumerate(NAMES, 5432))


@dataclass
class Server:
    """`rows`: where the row of each term stands in this server's history. `position`: replayed, or written."""

    position: int = 0
    rows: list[tuple[int, int]] = field(default_factory=list)

    @property
    def term(self) -> int:
        return max((term for term, lsn in self.rows if lsn <= self.position), default=0)


class Model:
    """The cluster as it is, and the router's fleet, which learns of it late."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.term = 0
        self.primary = "n1"
        self.servers = {name: Server() for name in NAMES}
        self.writes: list[tuple[float, int]] = []  # (when the router saw it end, where it ends in the log)
        self.asked: dict[str, float] = {}
        self.answers: dict[str, Sample] = {}
        self.fleet = Fleet(FleetLimits(knowledge_ms=1e9, max_lag_ms=1e9))
        self.fail_over("n1", 0)

    def fail_over(self, name: str, behind: int) -> None:
        """What the winner has not is lost; the others follow it, wherever they were, and its row comes first."""
        winner = self.servers[name]
        self.writes = [write for write in self.writes if write[1] <= winner.position]
        kept = [row for row in winner.rows if row[1] <= winner.position]
        self.term += 1
        self.primary = name
        for server in self.servers.values():
            server.position = min(server.position, winner.position - behind if server is not winner else 10**9)
            server.position = max(server.position, 0)
        row = winner.position + 8
        for server in self.servers.values():
            server.rows = [*kept, (self.term, row)]
        winner.position = row

    def write(self, length: int) -> None:
        primary = self.servers[self.primary]
        primary.position += length
        self.writes.append((self.now_ms, primary.position))

    def grow(self, length: int) -> None:
        """Log that belongs to no write that ended."""
        self.servers[self.primary].position += length

    def replay(self, name: str, length: int) -> None:
        if name != self.primary:
            server = self.servers[name]
            server.position = min(server.position + length, self.servers[self.primary].position)

    def ask(self, name: str) -> None:
        if name not in self.asked and name not in self.answers:
            self.asked[name] = self.now_ms

    def answer(self, name: str) -> None:
        if name in self.asked:
            server = self.servers[name]
            asked_ms = self.asked.pop(name)
            self.answers[name] = Sample(asked_ms, name != self.primary, server.term, server.position, 1.0)

    def hear(self, name: str) -> None:
        if name in self.answers:
            self.fleet.sampled(self.fleet.targets[name], self.answers.pop(name))

    def learn(self) -> None:
        name = self.primary
        view = ClusterView((1, self.term, 0), self.term, name, name, serving=True, nodes=NODES, asked_ms=self.now_ms)
        self.fleet.learn(view, self.now_ms)

    def check(self) -> None:
        for name, target in self.fleet.targets.items():
            if name == self.primary or target.fresh_ms == NEVER:
                continue
            position = self.servers[name].position
            unseen = [write for write in self.writes if write[0] < target.fresh_ms and write[1] > position]
            assert not unseen, (name, target.fresh_ms, position, unseen)


names = st.sampled_from(NAMES)
lengths = st.integers(1, 40)
steps = st.one_of(
    st.tuples(st.just("tick"), st.integers(1, 5)),
    st.tuples(st.just("write"), lengths),
    st.tuples(st.just("grow"), lengths),
    st.tuples(st.just("replay"), names, lengths),
    st.tuples(st.just("replay"), names, st.just(10**6)),
    st.tuples(st.just("ask"), names),
    st.tuples(st.just("answer"), names),
    st.tuples(st.just("hear"), names),
    st.tuples(st.just("whole round")),
    st.tuples(st.just("learn")),
)


def run(model: Model, step: tuple[object, ...]) -> None:
    match step:
        case ("tick", int(ms)):
            model.now_ms += ms
        case ("write", int(length)):
            model.write(length)
        case ("grow", int(length)):
            model.grow(length)
        case ("replay", str(name), int(length)):
            model.replay(name, length)
        case ("ask", str(name)):
            model.ask(name)
        case ("answer", str(name)):
            model.answer(name)
        case ("hear", str(name)):
            model.hear(name)
        case ("whole round",):
            for name in (model.primary, *NAMES):
                model.ask(name)
                model.answer(name)
                model.hear(name)
        case ("learn",):
            model.learn()
        case ("fail over", str(name), int(behind)):
            model.fail_over(name, behind)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=60))
def test_a_standby_shows_every_write_that_it_claims(history: list[tuple[object, ...]]) -> None:
    model = Model()
    model.learn()
    for step in history:
        run(model, step)
        model.check()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(steps, st.tuples(st.just("fail over"), names, st.integers(0, 30))), max_size=80),
)
def test_no_claim_of_the_old_primary_s_time_outlives_what_was_learned_of_a_failover(
    history: list[tuple[object, ...]],
) -> None:
    """Until the router has learned of it, a follower may have been rewound behind what it claimed; then it is asked
    anew, under the new term's row."""
    model = Model()
    model.learn()
    for step in history:
        run(model, step)
        if model.fleet.term == model.term and model.fleet.primary is not None:
            model.check()


def test_the_model_does_find_claims_that_are_too_bold() -> None:
    """With the flush of a question's own moment counted in, or a sample dated by its answer, it would fail."""
    model = Model()
    model.learn()
    model.now_ms = 10.0
    model.ask("n1")
    model.answer("n1")
    model.write(5)
    model.hear("n1")
    model.ask("n2")
    model.replay("n2", 8)
    model.answer("n2")
    model.hear("n2")
    model.check()
    target = model.fleet.targets["n2"]
    assert target.fresh_ms == 10.0
    target.fresh_ms = 10.1
    try:
        model.check()
    except AssertionError:
        return
    raise AssertionError("the model does not see a claim that is too bold")
