// Which worlds are searched, and in which one does the removal of each guard show?
#pragma once

#include "steps.hpp"

// `quick` bounds take about a second each and run in `make test`; all of them run in `make model`.
struct Entry {
    Bound bound;
    bool quick;
};

constexpr Entry BOUNDS[] = {
    // ---- elections -------------------------------------------------------------------------------------------------
    {{.name = "elections",
      .about = "two terms, one write, one power cut; every process at its own time",
      .k = 1, .terms = 2, .budget = {.writes = 1, .crashes = 1}, .liveness = true}, true},
    {{.name = "elections, two writes",
      .about = "two terms, two writes, one power cut, one broken connection",
      .k = 1, .terms = 2, .budget = {.writes = 2, .crashes = 1, .breaks = 1}, .liveness = true}, false},
    {{.name = "elections, k=2",
      .about = "two voters have to flush; two terms, two writes, one power cut, one broken connection",
      .k = 2, .terms = 2, .budget = {.writes = 2, .crashes = 1, .breaks = 1}, .liveness = true}, false},
    {{.name = "late swaps",
      .about = "two terms, one write, one power cut, one agent restart, two swaps of unknown outcome",
      .k = 1, .terms = 2, .catch_up = true,
      .budget = {.writes = 1, .crashes = 1, .timeouts = 2, .agents = 1}, .liveness = true}, false},
    {{.name = "unflushed tails",
      .about = "a standby's log is flushed after it was written, and a power cut loses the rest; two power cuts",
      .k = 1, .terms = 2, .catch_up = true, .tails = true, .coarse = true,
      .budget = {.writes = 2, .crashes = 2}, .liveness = true}, false},
    {{.name = "three terms",
      .about = "three terms, one write, fine steps, no faults",
      .k = 1, .terms = 3, .budget = {.writes = 1}, .liveness = true}, false},
    {{.name = "three terms, a power cut",
      .about = "three terms, one write, one power cut",
      .k = 1, .terms = 3, .coarse = true, .budget = {.writes = 1, .crashes = 1}, .liveness = true}, false},
    {{.name = "three terms, k=2",
      .about = "three terms, two writes, no faults",
      .k = 2, .terms = 3, .coarse = true, .budget = {.writes = 2}, .liveness = true}, false},
    {{.name = "four terms",
      .about = "four terms, one write, no faults",
      .k = 1, .terms = 4, .coarse = true, .budget = {.writes = 1}, .liveness = true}, false},
    {{.name = "wrong server",
      .about = "a receiver may reach another primary than it was told; two terms, two writes, one broken connection",
      .k = 1, .terms = 2, .wrong_server = true, .budget = {.writes = 2, .breaks = 1}, .liveness = false}, false},
    // ---- a server lost, unfit, or with an empty disk ---------------------------------------------------------------
    {{.name = "a server lost",
      .about = "one server dies for good, one power cut; two terms, one write, with catching up",
      .k = 1, .terms = 2, .catch_up = true,
      .budget = {.writes = 1, .crashes = 1, .losses = 1}, .liveness = true}, true},
    {{.name = "a server lost, three terms",
      .about = "one server dies for good; three terms, one write, with catching up",
      .k = 1, .terms = 3, .catch_up = true, .coarse = true,
      .budget = {.writes = 1, .losses = 1}, .liveness = true}, false},
    {{.name = "a primary that cannot lead",
      .about = "the holder can start in recovery only, and one server dies for good",
      .k = 1, .terms = 2, .catch_up = true, .budget = {.writes = 1, .losses = 1, .unfits = 1}, .liveness = true}, true},
    {{.name = "an empty disk",
      .about = "a disk is lost and an empty one takes its place under the same name; one power cut",
      .k = 1, .terms = 2, .budget = {.writes = 1, .crashes = 1, .wipes = 1}, .liveness = false}, false},
    {{.name = "an empty disk, admitted",
      .about = "the new disk may become a voter, in the old one's place or after it was dropped",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .wipes = 1, .changes = 1}, .liveness = false}, false},
    {{.name = "a lost disk's place",
      .about = "both standbys may lose their disks, whose places pass to the new ones; two terms, one write, one late swap",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .wipes = 2, .timeouts = 1}, .liveness = true}, false},
    {{.name = "a lost disk's place, a power cut",
      .about = "as before with one disk and a power cut",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .wipes = 1}, .liveness = true}, false},
    {{.name = "a lost disk's place, k=2",
      .about = "k=2 of two voters, of which one loses its disk",
      .k = 2, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .wipes = 1}, .liveness = true}, false},
    {{.name = "a lost disk found again",
      .about = "it and the one in its place change places twice; the record on it is an old one",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .wipes = 1, .returns = 2}, .liveness = false}, false},
    // ---- voter changes ---------------------------------------------------------------------------------------------
    {{.name = "voter changes in one term",
      .about = "one drop, admissions, one late swap, one agent restart, one power cut, two writes; fine steps",
      .k = 1, .terms = 1, .voter_changes = true,
      .budget = {.writes = 2, .crashes = 1, .timeouts = 1, .agents = 1, .changes = 1}, .liveness = true}, false},
    {{.name = "voter changes",
      .about = "two terms, one write, one drop, admissions, one late swap; fine steps",
      .k = 1, .terms = 2, .voter_changes = true, .budget = {.writes = 1, .timeouts = 1, .changes = 1}, .liveness = true},
     false},
    {{.name = "voter changes, two drops",
      .about = "two terms, one write, two drops, admissions, one late swap",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .timeouts = 1, .changes = 2}, .liveness = true}, false},
    {{.name = "voter changes, a power cut",
      .about = "two terms, one write, one drop, admissions, one power cut",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .changes = 1}, .liveness = true}, false},
    {{.name = "voter changes, a server lost",
      .about = "two terms, one drop, admissions; one server dies for good",
      .k = 1, .terms = 2, .voter_changes = true, .coarse = true,
      .budget = {.losses = 1, .changes = 1}, .liveness = true}, true},
    {{.name = "k=2 to the end",
      .about = "from k=1 to k=2 and back, drops and admissions, two terms, one write, one late swap",
      .k = 1, .terms = 2, .k_max = 2, .voter_changes = true, .lower_k = true, .coarse = true,
      .budget = {.writes = 1, .timeouts = 1, .changes = 3}, .liveness = true}, false},
    {{.name = "k=2 from the start",
      .about = "k=2 lowered and raised again, two terms, one write, one power cut",
      .k = 2, .terms = 2, .k_max = 2, .voter_changes = true, .lower_k = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .changes = 2}, .liveness = true}, false},
    {{.name = "first voters",
      .about = "a first primary without voters: admissions, k raised to 1, then clients; two terms, one power cut",
      .k = 1, .terms = 2, .k_max = 1, .voter_changes = true, .catch_up = true, .coarse = true, .first_voters = true,
      .budget = {.writes = 1, .crashes = 1, .changes = 1}, .liveness = true}, false},
    // ---- switchover ------------------------------------------------------------------------------------------------
    {{.name = "switchover",
      .about = "a hand-over, taken or taken back; two terms, one write, one late swap; fine steps",
      .k = 1, .terms = 2, .switchover = true, .catch_up = true,
      .budget = {.writes = 1, .timeouts = 1, .changes = 1}, .liveness = true}, false},
    {{.name = "switchover, coarse",
      .about = "two hand-overs, two writes, one power cut, one late swap",
      .k = 1, .terms = 2, .switchover = true, .catch_up = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .timeouts = 1, .changes = 2}, .liveness = true}, false},
    // ---- the record lost, the store put back, the door -------------------------------------------------------------
    {{.name = "the record lost",
      .about = "the store is emptied; the record is written again or rebuilt; two terms, one write, one power cut",
      .k = 1, .terms = 2, .catch_up = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 1, .empties = 1}, .liveness = true}, false},
    {{.name = "the store put back",
      .about = "the store goes back to its first record; two terms, two writes",
      .k = 1, .terms = 2, .coarse = true, .budget = {.writes = 2, .backs = 1}, .liveness = false}, false},
    {{.name = "the store put back, quick",
      .about = "the same with one write",
      .k = 1, .terms = 2, .coarse = true, .budget = {.writes = 1, .backs = 1}, .liveness = false}, true},
    {{.name = "the door",
      .about = "servers that are down are given up by force and come back later; two power cuts",
      .k = 1, .terms = 2, .k_max = 1, .voter_changes = true, .coarse = true,
      .budget = {.writes = 1, .crashes = 2, .doors = 1}, .liveness = true}, false},
};

enum Shows { VIOLATION, STUCK, NOTHING };

struct Removal {
    Guard guards[3];  // taken out together; GUARDS: none
    Bound bound;
    Shows shows;
    bool quick;
    const char* note;
};

constexpr Bound small(int terms, Budget budget, int k = 1) {
    return Bound{.name = "", .about = "", .k = k, .terms = terms, .coarse = true, .budget = budget};
}
constexpr Bound asked_from(int term, Bound b) { b.asked_from = term; return b; }
constexpr Bound drops_only(Bound b) { b.drops_only = true; return b; }
constexpr Bound fine(Bound b) { b.coarse = false; return b; }
constexpr Bound living(Bound b) { b.liveness = true; return b; }
constexpr Bound changing(Bound b) { b.voter_changes = true; return b; }
constexpr Bound catching_up(Bound b) { b.catch_up = true; return b; }
constexpr Bound switching(Bound b) { b.switchover = true; return b; }
constexpr Bound away(Bound b) { b.only_away = true; return b; }
constexpr Bound misled(Bound b) { b.wrong_server = true; return b; }

constexpr Guard _ = GUARDS;

constexpr Removal REMOVALS[] = {
    {{WAIT_REVOKED, _, _}, fine(small(2, {.writes = 1})), VIOLATION, true, ""},
    {{STARTUP_PROOF, _, _}, fine(small(2, {.writes = 1, .breaks = 1})), VIOLATION, true, ""},
    {{PERSISTED, _, _}, small(2, {.writes = 1, .crashes = 1}), VIOLATION, true, ""},
    {{PREFIX, _, _}, small(3, {.writes = 2}), VIOLATION, true, ""},
    {{CUT_FIRST, _, _}, small(3, {.writes = 2}, 2), VIOLATION, false, ""},
    {{TERM_OF_WAL, _, _}, small(3, {.writes = 2}), VIOLATION, true, ""},
    {{BY_TERM, _, _}, small(3, {.writes = 2}), VIOLATION, false, ""},
    {{COUNT, _, _}, small(2, {.writes = 1}), VIOLATION, true, ""},
    {{V_AFTER_SWAP, _, _}, small(3, {.writes = 1}), VIOLATION, true, ""},
    {{FLOOR, _, _}, small(3, {.writes = 2, .crashes = 1}), VIOLATION, false, ""},
    {{OLD_LSN, _, _}, small(2, {.writes = 1}), VIOLATION, true, ""},
    {{SETTING_FIRST, _, _}, small(3, {.writes = 1}), VIOLATION, true, ""},
    {{BARRIER, _, _}, small(2, {.writes = 1, .crashes = 1}), VIOLATION, true, ""},
    {{SWAP_FIRST, _, _}, small(3, {.writes = 1, .crashes = 1}), VIOLATION, false, ""},
    {{NEVER_WITHDRAWN, _, _}, small(2, {.writes = 1}), VIOLATION, true, ""},
    {{NAMES, _, _}, misled(small(2, {.writes = 2, .breaks = 1})), VIOLATION, true, "a receiver reaches the wrong server"},
    {{NAMES, _, _}, small(2, {.writes = 2, .breaks = 1}), NOTHING, true, "every receiver reaches the right server"},
    {{LIVE, _, _}, fine(changing(small(2, {.writes = 1, .changes = 1}))), VIOLATION, true, ""},
    {{TIGHTEN_ORDER, _, _}, changing(small(2, {.writes = 1, .changes = 1})), VIOLATION, true, ""},
    {{LOOSEN_ORDER, _, _}, changing(small(2, {.writes = 1, .changes = 1})), VIOLATION, true, ""},
    {{TIGHTEN_BARRIER, _, _}, changing(small(2, {.writes = 1, .changes = 1})), VIOLATION, true, ""},
    {{SETTLE, _, _}, changing(small(2, {.writes = 1, .timeouts = 1, .changes = 1})), VIOLATION, true, "a swap times out"},
    {{SETTLE, _, _}, changing(small(2, {.writes = 1, .agents = 1, .changes = 1})), VIOLATION, true, "its agent dies"},
    {{SAME_RECORD, _, _}, changing(small(2, {.writes = 1, .changes = 2})), VIOLATION, true, ""},
    {{NEVER_EMPTY, _, _}, small(2, {.writes = 1, .crashes = 1}), VIOLATION, true, ""},
    {{LAST_COPY, _, _}, small(2, {.writes = 1, .crashes = 1, .wipes = 1}), VIOLATION, true, ""},
    {{LAST_COPY_SOON, _, _}, small(2, {.writes = 1, .crashes = 1, .wipes = 1}), VIOLATION, true,
     "only voters that follow already are waited for"},
    {{LAST_COPY_MUTUAL, _, _}, living(catching_up(small(2, {.writes = 1, .crashes = 1}))), STUCK, true,
     "every living voter is waited for, also one that has to be rewound"},
    {{IDENTITY, _, _}, small(2, {.writes = 1, .crashes = 1, .wipes = 1}), VIOLATION, true, ""},
    {{BARE_NAME, _, _}, small(2, {.writes = 1, .crashes = 1, .wipes = 1}), VIOLATION, true, ""},
    {{LAST_COPY_VOTERS, _, _}, changing(small(2, {.writes = 1, .crashes = 1, .wipes = 1, .changes = 1})), VIOLATION, false,
     "only voters are waited for"},
    {{ONE_AT_A_TIME, _, _}, small(2, {.writes = 1, .crashes = 1, .wipes = 1}, 2), VIOLATION, false, "k = 2"},
    {{LAST_COPY_SOON, LAST_COPY_VOTERS, ONE_AT_A_TIME}, living(changing(small(2, {.writes = 1, .crashes = 1}))), NOTHING, true,
     "what the agent does; no disk is lost"},
    {{LAST_COPY_SOON, LAST_COPY_VOTERS, ONE_AT_A_TIME}, living(small(2, {.writes = 1, .crashes = 1}, 2)), NOTHING, true,
     "the same with k = 2"},
    {{REPLACE_ORDER, _, _}, asked_from(3, changing(small(3, {.writes = 1, .wipes = 1, .returns = 2}))), VIOLATION, false, "the lost disk is found again"},
    {{REPLACE_BARRIER, _, _}, changing(small(3, {.writes = 1, .wipes = 1})), VIOLATION, true, ""},
    {{REPLACE_TERM, _, _}, changing(small(2, {.writes = 1, .wipes = 1, .returns = 2})), VIOLATION, false, "the lost disk is found again"},
    {{SPENT, _, _}, drops_only(changing(small(2, {.writes = 1, .wipes = 1, .changes = 1, .returns = 2}))), VIOLATION, false, "the lost disk is found again"},
    {{TAKE_BACK_FIRST, _, _}, switching(small(2, {.writes = 2, .changes = 1})), VIOLATION, true, ""},
    {{EVERY_SERVER, _, _}, small(2, {.writes = 1, .empties = 1}), VIOLATION, true, "any one server rebuilds the record"},
    {{CONFIRMED, _, _}, small(2, {.writes = 1, .empties = 1}), VIOLATION, true, ""},
    {{WENT_BACK, _, _}, small(2, {.writes = 1, .backs = 1}), VIOLATION, true, ""},
    {{CONFIRM_FOLLOWS, _, _}, small(2, {.writes = 1, .backs = 1}), VIOLATION, true, "the promise alone is asked for"},
    {{CONFIRM_WHOM, _, _}, small(2, {.writes = 1, .backs = 1}), VIOLATION, true, "the name's term alone is asked for"},
    {{RAISE_IN_PLACE, _, _}, living(small(2, {.losses = 1})), STUCK, true, ""},
    {{RESUME, _, _}, living(small(2, {.crashes = 1, .losses = 1})), STUCK, true, ""},
    {{LOOSEN_EARLY, _, _}, living(changing(small(2, {.losses = 1, .changes = 1}))), STUCK, true, ""},
    {{REACH_FLOOR, _, _}, away(living(catching_up(small(3, {.writes = 2, .losses = 1})))), STUCK, false, ""},
    {{HOLDER_VOTES, _, _}, living(catching_up(small(2, {.writes = 1, .losses = 1, .unfits = 1}))), STUCK, true, ""},
};
