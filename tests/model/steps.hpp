// Which steps can the world take? PostgreSQL's own, each process at its own time; the agents', by the protocol's rules;
// the store's; and faults. A pause needs no step of its own: any step may come arbitrarily late.
#pragma once

#include <vector>

#include "guards.hpp"
#include "world.hpp"

struct Step {
    State after;
    const char* what;
    const char* broken;  // which promise this step broke; null if none
    u8 node, arg;
    bool fault;
};

struct Bound {
    const char* name;
    const char* about;
    int k;
    int terms;  // the highest term that anybody asks for
    int k_max;  // to which the operator raises k; 0: never
    bool voter_changes;
    bool lower_k;
    bool switchover;
    bool catch_up;
    bool tails;         // a standby's log is flushed some time after it was written
    bool wrong_server;  // a receiver may reach another primary than it was told
    bool coarse;        // what one process does in a row is one step; cut walsenders end by themselves
    bool first_voters;  // it begins with no voters and k = 0, as a cluster does before its first client
    Budget budget;
    bool liveness;
};

class World {
  public:
    World(const Bound& bound, const Guards& guards) : bound_(bound), off_(guards) {}

    State first() const {
        State s;
        memset(&s, 0, sizeof s);
        Record& r = s.record;
        r.term = 1;
        r.entry_term = 1;
        r.k = u8(bound_.first_voters ? 0 : bound_.k);
        r.voters = u8(bound_.first_voters ? 0 : 6);
        r.won_at = position(1, 1);
        for (int i = 0; i < NODES; i++) {
            Node& n = s.node[i];
            append(n.log, symbol(PROMOTION, 1, 0));
            n.flushed = 1;
            n.promise = n.followed = 1;
            n.process = RECOVERY;
            n.defined = 1;
            n.setting = off_[NEVER_EMPTY] ? EMPTY : setting(1, 0, 0);
            n.defined = n.setting != EMPTY;
            if (i == 0) continue;
            const u8 name = bound_.first_voters ? BARE : u8(1);
            n.conf = n.view = Upstream{1, name};
            n.receiver = Receiver{STREAMING, 1, 1, name};
            s.node[0].walsender[i] = Walsender{0, name, 1, 1, 0};
        }
        Node& p = s.node[0];
        p.process = PRIMARY;
        p.term = 1;
        p.defined = 1;
        p.barrier = 1;
        p.setting = wanted(s);
        p.serving = bound_.first_voters ? 0 : 1;
        for (int i = 1; i < NODES; i++) p.walsender[i].view = p.setting;
        s.acked = p.log;
        s.left = bound_.budget;
        if (bound_.budget.backs) s.backup = s.record;
        return s;
    }

    // Every step that is possible in `s`.
    void steps(const State& s, std::vector<Step>& out) const {
        out.clear();
        for (int i = 0; i < NODES; i++) {
            if (s.node[i].process == LOST) continue;
            postgres(s, i, out);
            leading(s, i, out);
            changing(s, i, out);
            standing(s, i, out);
            following(s, i, out);
            faults(s, i, out);
        }
        for (int i = 0; i < NODES; i++) store(s, i, out);
        store_faults(s, out);
        for (Step& step : out) {
            tidy(step.after);
            if (!step.broken) step.broken = broken(step.after);
        }
    }

    // Is there a primary that serves, and whose next commit k voters would acknowledge?
    bool serves(const State& s) const {
        const Record& r = s.record;
        const Node& p = s.node[r.holder];
        if (!leads(s, r.holder) || p.process != PRIMARY || !p.serving || p.term != r.term || r.k < 1) return false;
        int ready = 0;
        for (int j = 0; j < NODES; j++)
            ready += (r.voters >> j & 1) && p.walsender[j].name == p.term && streams(s, j, r.holder);
        return ready >= r.k;
    }

    // Are enough servers left, by what the protocol says of itself, to get there?
    bool quorum_alive(const State& s) const {
        const Record& r = s.record;
        int left = 0, voters = 0;
        for (int j = 0; j < NODES; j++) {
            const bool alive = s.node[j].process != LOST;
            const bool voter = (r.voters >> j & 1) && (r.voter_ids >> j & 1) == s.node[j].id;
            left += alive;
            voters += alive && voter;
        }
        const Node& h = s.node[r.holder];
        const bool holder = h.process != LOST && h.id == r.holder_id;
        if (s.back) return false;  // only the operator may decide
        if (s.lost && (left < NODES || s.wiped || r.term >= bound_.terms)) return false;
        if (left - 1 < (r.k > 1 ? r.k : 1)) return false;
        const bool able = holder && (can_promote(s, r.holder) && !h.unfit);
        if (r.term >= bound_.terms && !able) return false;  // the model has no further terms
        int fit = 0;
        for (const Node& n : s.node) fit += n.process != LOST && !n.unfit && n.log.length;
        if (fit == 0) return false;
        return holder || voters >= votes_needed(r);
    }

  private:
    const Bound bound_;
    const Guards off_;

    // What can never matter again is forgotten, so that states which differ by it are one.
    void tidy(State& s) const {
        const Record& r = s.record;
        for (int i = 0; i < NODES; i++) {
            Node& n = s.node[i];
            if (n.serving) n.barrier = 0;
            if (bound_.budget.backs) continue;
            if (n.report.term <= r.term) n.report = Report{};
            if (n.swap.kind && n.swap.kind != CREATE && int(n.swap.basis & 7) != r.term && !off_[SAME_RECORD]) {
                n.swap = Swap{};  // a term never comes back
                n.tightening = Tightening{};
            }
            if (n.process != LOST) continue;
            const Swap swap = n.swap;
            memset(&n, 0, sizeof n);
            n.process = LOST;
            n.id = 2;
            n.swap = swap;
        }
        if (bound_.budget.backs + bound_.budget.empties == 0)
            for (Node& n : s.node) n.known = n.known_holder = 0;
        if (promoted(s, r.holder)) s.record.won_at = 0;
        if (!bound_.coarse) return;
        for (int p = 0; p < NODES; p++)
            for (int j = 0; j < NODES; j++) {
                Walsender& w = s.node[p].walsender[j];
                if (w.name && !streams(s, j, p) && w.inflight == w.flush) w = Walsender{};
            }
    }

    // ---- words -----------------------------------------------------------------------------------------------------

    static int count(int mask) { return (mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1); }
    int votes_needed(const Record& r) const { return off_[COUNT] ? 1 : count(r.voters) - r.k + 1; }

    static u16 setting_of(int term, int voters, int k) { return setting(k > 1 ? k : 1, voters, term); }
    u16 wanted(const State& s) const {
        const Record& r = s.record;
        const int names = off_[V_AFTER_SWAP] && r.term > 1 ? 7 & ~(1 << r.holder) : r.voters;
        return setting_of(r.term, names, r.k);
    }

    // IDENTITY: a server is named by its data directory's id too.
    bool is_holder(const State& s, int i) const {
        return s.record.holder == i && (off_[IDENTITY] || s.record.holder_id == s.node[i].id);
    }
    bool is_voter(const State& s, int i) const {
        const Record& r = s.record;
        return (r.voters >> i & 1) && (off_[IDENTITY] || (r.voter_ids >> i & 1) == s.node[i].id);
    }
    bool voter_reported(const State& s, int i) const {
        const Record& r = s.record;
        return (r.voters >> i & 1) && (off_[IDENTITY] || (r.voter_ids >> i & 1) == s.node[i].report.id);
    }
    bool promoted(const State& s, int i) const {
        const u8 entry = symbol(PROMOTION, s.record.entry_term, s.record.entry_node);
        return memchr(s.node[i].log.at, entry, s.node[i].log.length) != nullptr;
    }
    bool leads(const State& s, int i) const { return is_holder(s, i) && promoted(s, i); }
    bool can_promote(const State& s, int i) const {
        if (off_[TERM_OF_WAL] || off_[BY_TERM]) return s.node[i].log.length >= (s.record.won_at & 15);
        return promoted(s, i) || end_of(s.node[i].log) >= s.record.won_at;
    }
    // The store cannot explain what this server remembers: it went back, and nobody is promoted on its word.
    static bool unexplained(const State& s, int i) {
        const Node& n = s.node[i];
        if (n.known != age_of(s.record)) return n.known > age_of(s.record);
        return n.known_holder && n.known_holder != s.record.holder + 1;
    }
    bool frozen(const State& s, int i) const {
        return s.lost || (!off_[WENT_BACK] && unexplained(s, i));
    }
    static bool streams(const State& s, int j, int p) {
        const Receiver& r = s.node[j].receiver;
        return s.node[j].process == RECOVERY && r.state == STREAMING && r.at == p + 1 &&
               r.name == s.node[p].walsender[j].name;
    }
    static bool is_cut(const Node& n) { return n.conf.target == 0 && n.view.target == 0 && n.receiver.state == NONE; }

    // Whether this agent has a swap whose outcome it does not know (SETTLE).
    bool unsettled(const Node& n) const { return n.swap.kind != NO_SWAP && !(n.swap.orphan && off_[SETTLE]); }

    Step& add(const State& s, std::vector<Step>& out, const char* what, int node, int arg = 0) const {
        out.push_back(Step{s, what, nullptr, u8(node), u8(arg), false});
        return out.back();
    }

    // ---- what was promised to clients ------------------------------------------------------------------------------

    // Everything up to `length` of this log was acknowledged or can have been read.
    static const char* told(State& s, const Log& log, int length) {
        Log seen = log;
        cut(seen, length);
        if (is_prefix(seen, s.acked)) return nullptr;
        if (!is_prefix(s.acked, seen)) return "two histories were acknowledged that are not one";
        s.acked = seen;
        return nullptr;
    }

    // Clients that wait for what lies before `length` go on.
    static const char* released(State& s, int p, int length) {
        const Node& n = s.node[p];
        if (!n.serving) return nullptr;
        int last = 0;
        for (int i = n.began; i < length && i < n.log.length; i++)
            if (kind_of(n.log.at[i]) == WRITE) last = i + 1;
        return last ? told(s, n.log, last) : nullptr;
    }

    const char* broken(const State& s) const {
        const Record& r = s.record;
        const Node& h = s.node[r.holder];
        if (!s.back && h.id == r.holder_id && h.log.length && !is_prefix(s.acked, h.log))
            return "the holder of the record lacks an acknowledged commit";
        if (r.voters >> r.holder & 1) return "the primary is a voter";
        if (s.wiped <= bound_.k) {
            bool kept = false;
            for (const Node& n : s.node) kept = kept || is_prefix(s.acked, n.log);
            if (!kept) return "no disk holds an acknowledged commit any more";
        }
        return nullptr;
    }

    // ---- PostgreSQL ------------------------------------------------------------------------------------------------

    void postgres(const State& s, int i, std::vector<Step>& out) const {
        if (s.node[i].process == RECOVERY) standby(s, i, out);
        if (s.node[i].process == PRIMARY) primary(s, i, out);
        const Node& n = s.node[i];
        if (n.process != DOWN && (n.setting != EMPTY) != bool(n.defined)) {
            Step& step = add(s, out, "the checkpointer reads the setting", i);
            step.after.node[i].defined ^= 1;
            if (!step.after.node[i].defined) step.broken = released(step.after, i, WAL_MAX);
        }
    }

    static void end_receiver(Node& n) {
        n.receiver = Receiver{};
        n.flushed = n.log.length;  // it flushes what it wrote when it ends
    }

    void standby(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Receiver& r = n.receiver;
        if (bound_.coarse) {
            startup_at_once(s, i, out);
            if (n.view != n.conf) return postgres_receives(s, i, out);
        }
        if (n.view != n.conf) add(s, out, "the startup process reads its settings", i).after.node[i].view = n.conf;
        const bool as_told = r.target == n.view.target && r.name == n.view.name;
        if (r.state && !as_told) end_receiver(add(s, out, "the startup process ends the receiver", i).after.node[i]);
        if (!r.state && n.view.target)
            add(s, out, "a receiver starts to connect", i).after.node[i].receiver =
                Receiver{CONNECTING, n.view.target, 0, n.view.name};
        postgres_receives(s, i, out);
    }

    void startup_at_once(const State& s, int i, std::vector<Step>& out) const {
        if (s.node[i].view == s.node[i].conf) return;
        Node& n = add(s, out, "the startup process reads and obeys its settings", i).after.node[i];
        n.view = n.conf;
        if (n.receiver.state) end_receiver(n);
        if (n.view.target) n.receiver = Receiver{CONNECTING, n.view.target, 0, n.view.name};
    }

    void postgres_receives(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Receiver& r = n.receiver;
        if (r.state == CONNECTING) connect(s, i, out);
        if (n.flushed < n.log.length && r.state == STREAMING) {
            State& t = add(s, out, "the receiver flushes and acknowledges", i).after;
            t.node[i].flushed = n.log.length;
            if (streams(s, i, r.at - 1)) t.node[r.at - 1].walsender[i].inflight = n.log.length;
        }
        if (r.state != STREAMING) return;
        const int p = r.at - 1;
        const Node& from = s.node[p];
        if (from.process != PRIMARY || from.walsender[i].name != r.name) {
            end_receiver(add(s, out, "the receiver finds its primary gone", i).after.node[i]);
            return;
        }
        if (n.log.length < from.log.length) {
            State& t = add(s, out, bound_.tails ? "the receiver writes" : "the receiver flushes and acknowledges", i).after;
            append(t.node[i].log, from.log.at[n.log.length]);
            if (!bound_.tails) {
                t.node[i].flushed = t.node[i].log.length;
                t.node[p].walsender[i].inflight = t.node[i].log.length;
            }
        }
    }

    void connect(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        for (int p = 0; p < NODES; p++) {
            const Node& from = s.node[p];
            if (p == i || (p + 1 != n.receiver.target && !bound_.wrong_server)) continue;
            // A standby that is ahead of what the primary has flushed is turned away.
            if (from.process != PRIMARY || from.walsender[i].name || n.log.length > from.log.length) continue;
            State& t = add(s, out, "the receiver connects", i, p).after;
            t.node[i].receiver.state = STREAMING;
            t.node[i].receiver.at = u8(p + 1);
            t.node[p].walsender[i] = Walsender{from.setting, n.receiver.name, 0, n.flushed, 0};
        }
        if (s.node[n.receiver.target - 1].process != PRIMARY)
            end_receiver(add(s, out, "the receiver cannot connect", i).after.node[i]);
    }

    bool counts(const Walsender& w, int j) const {
        return w.name && w.view != EMPTY && (setting_mask(w.view) >> j & 1) &&
               (off_[NAMES] || w.name == setting_term(w.view));
    }

    // SyncRepReleaseWaiters of one walsender: by its own view of the setting, over all that count in their own views.
    const char* release(State& s, int p, int j) const {
        const Node& n = s.node[p];
        if (!counts(n.walsender[j], j)) return nullptr;
        int flushes[NODES], found = 0;
        for (int x = 0; x < NODES; x++)
            if (counts(n.walsender[x], x)) flushes[found++] = n.walsender[x].flush;
        const int k = setting_k(n.walsender[j].view);
        if (found < k) return nullptr;
        for (int a = 0; a < found; a++)
            for (int b = a + 1; b < found; b++)
                if (flushes[b] > flushes[a]) {
                    const int swap = flushes[a];
                    flushes[a] = flushes[b];
                    flushes[b] = swap;
                }
        return released(s, p, flushes[k - 1]);
    }

    void primary(const State& s, int p, std::vector<Step>& out) const {
        const Node& n = s.node[p];
        for (int j = 0; j < NODES; j++) {
            const Walsender& w = n.walsender[j];
            if (!w.name) continue;
            if (w.inflight > w.flush) {
                Step& step = add(s, out, "a walsender reads an acknowledgement", p, j);
                step.after.node[p].walsender[j].flush = w.inflight;
                step.broken = release(step.after, p, j);
            }
            if (w.view != n.setting) {
                Step& step = add(s, out, "a walsender reads the setting", p, j);
                step.after.node[p].walsender[j].view = n.setting;
                step.broken = release(step.after, p, j);
            }
            if (!streams(s, j, p)) add(s, out, "a cut walsender ends", p, j).after.node[p].walsender[j] = Walsender{};
        }
        if (n.serving && s.left.writes && n.log.length < WAL_MAX) {
            Step& step = add(s, out, "a client writes", p);
            step.after.left.writes--;
            append(step.after.node[p].log, symbol(WRITE, n.term, 0));
            step.after.node[p].flushed = step.after.node[p].log.length;
            if (!n.defined) step.broken = released(step.after, p, WAL_MAX);
        }
    }

    // ---- stopping and starting -------------------------------------------------------------------------------------

    static void stop(Node& n) {
        n.process = DOWN;
        n.conf = n.view = Upstream{};
        n.receiver = Receiver{};
        for (Walsender& w : n.walsender) w = Walsender{};
        n.setting = EMPTY;
        n.defined = n.serving = n.barrier = n.began = n.term = 0;
        n.tightening = Tightening{};
        if (n.swap.kind == RENEW) n.swap = Swap{};
        if (n.swap.kind) n.swap.orphan = 1;
    }

    void start_in_recovery(Node& n) const {
        n.process = RECOVERY;
        n.flushed = n.log.length;  // everything is synced before recovery
        n.conf = n.view = Upstream{};
        n.setting = off_[NEVER_EMPTY] ? EMPTY : setting(1, 0, 0);
        n.defined = n.setting != EMPTY;
    }

    static void settle(State& s) {
        for (Node& n : s.node)
            if (n.swap.orphan && n.swap.kind != CREATE) n.swap = Swap{};
    }

    // ---- the holder ------------------------------------------------------------------------------------------------

    void send(State& s, int i, SwapKind kind, int term = 0, int voters = 0, int k = 0, int at = 0) const {
        s.node[i].swap = Swap{basis_of(s.record), kind, 0, u8(term), u8(voters), u8(k), u8(at), s.node[i].id, 0};
    }

    void leading(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Record& r = s.record;
        const bool deposed = !leads(s, i) && !frozen(s, i);
        if (n.process == PRIMARY && (deposed || s.lost || (s.back && frozen(s, i))) && !off_[SWAP_FIRST])
            stop(add(s, out, "its agent sees another holder and kills it", i).after.node[i]);
        if (s.lost || s.back) recreate(s, i, out);
        if (!is_holder(s, i) || frozen(s, i)) return;
        const bool bound_by_promise = n.promise > r.term;
        const bool may_lead = !bound_by_promise && !n.unfit && (!r.released || off_[TAKE_BACK_FIRST]);
        if (n.process != PRIMARY && leads(s, i) && may_lead && !off_[RESUME]) resume(s, i, out);
        if (n.process == RECOVERY && !n.unfit && !promoted(s, i) && !bound_by_promise && is_cut(n) && can_promote(s, i))
            promote(s, i, out);
        if (unsettled(n)) return;
        int promise = 0;
        for (const Node& other : s.node)
            if (other.process != LOST && other.promise > promise) promise = other.promise;
        if (promise > r.term && !r.released && !off_[RAISE_IN_PLACE])
            send(add(s, out, "it sends a swap: its own term raised", i, promise).after, i, RAISE_TERM, promise);
        if (n.process == PRIMARY && leads(s, i)) {
            give_setting(s, i, out);
            serve(s, i, out);
        }
        if (bound_.switchover) switchover(s, i, out);
    }

    void begin_as_primary(State& s, int i) const {
        Node& n = s.node[i];
        n.process = PRIMARY;
        n.conf = n.view = Upstream{};
        n.receiver = Receiver{};
        n.flushed = n.log.length;
        n.barrier = n.began = n.log.length;
        n.serving = 0;
        n.term = s.record.term;
        learn(n, age_of(s.record), s.record.holder);
    }

    void resume(const State& s, int i, std::vector<Step>& out) const {
        if (s.node[i].log.length >= WAL_MAX) return;
        State& t = add(s, out, "the holder renews and resumes its own term", i).after;
        if (!off_[SETTLE]) settle(t);
        if (t.node[i].swap.kind && !off_[SETTLE]) t.node[i].swap = Swap{};
        t.record.released = t.record.handover = 0;
        if (t.node[i].process == RECOVERY) stop(t.node[i]);
        t.node[i].report = Report{};
        append(t.node[i].log, symbol(RESTART, s.record.term, 0));  // crash recovery ends with a record of its own
        begin_as_primary(t, i);
        t.node[i].setting = off_[NEVER_EMPTY] ? EMPTY : wanted(s);
        t.node[i].defined = t.node[i].setting != EMPTY;
    }

    void promote(const State& s, int i, std::vector<Step>& out) const {
        const u8 entry = symbol(PROMOTION, s.record.entry_term, s.record.entry_node);
        if (s.node[i].log.length >= WAL_MAX) return;
        State& t = add(s, out, "the winner is given its setting and promoted", i).after;
        append(t.node[i].log, entry);
        begin_as_primary(t, i);
        t.node[i].floor = 0;
        t.node[i].setting = off_[SETTING_FIRST] ? EMPTY : wanted(s);
        // NEVER EMPTY: the checkpointer switched waiting on long ago, when this server was a standby.
        t.node[i].defined = off_[SETTING_FIRST] ? 0 : s.node[i].defined;
    }

    void give_setting(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (n.tightening.stage || (n.setting == wanted(s) && n.term == s.record.term)) return;
        State& t = add(s, out, "its setting is made that of the record", i).after;
        t.node[i].setting = wanted(s);
        t.node[i].term = s.record.term;
        learn(t.node[i], age_of(s.record), i);
    }

    // Flushed by k of the voters named, by number: all that PostgreSQL can say.
    bool flushed_by(const Node& p, int voters, int k, int length) const {
        int have = 0;
        for (int j = 0; j < NODES; j++)
            have += (voters >> j & 1) && (p.walsender[j].name == p.term || (off_[NAMES] && p.walsender[j].name)) &&
                    p.walsender[j].flush >= length;
        return have >= k;
    }

    void serve(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Record& r = s.record;
        if (n.serving || n.tightening.stage || r.released || r.k < 1) return;
        if (n.term != r.term || n.setting != wanted(s)) return;
        if (!off_[BARRIER] && !flushed_by(n, r.voters, r.k, n.barrier)) return;
        Step& step = add(s, out, "barrier flushed: it sends a renewal", i);
        send(step.after, i, RENEW);
        if (bound_.coarse) land(step, i, step.after.node[i].swap);
    }

    // ---- switchover ------------------------------------------------------------------------------------------------

    void switchover(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Record& r = s.record;
        if (n.process == PRIMARY && n.serving && n.promise <= r.term && s.left.changes) {
            State& t = add(s, out, "switchover: the primary is stopped and hands over", i).after;
            t.left.changes--;
            stop(t.node[i]);
            send(t, i, RELEASE, 0, 0, 0, end_of(n.log));
        }
        if (r.released && n.process != PRIMARY) {
            State& t = add(s, out, "it sends a swap: it takes the lead back", i).after;
            send(t, i, TAKE_BACK);
        }
    }

    // ---- voter changes ---------------------------------------------------------------------------------------------

    void changing(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (n.process != PRIMARY || !leads(s, i) || frozen(s, i) || n.term != s.record.term || s.record.released) return;
        if (n.tightening.stage) go_on_tightening(s, i, out);
        if (!bound_.voter_changes || unsettled(n) || n.tightening.stage || n.setting != wanted(s)) return;
        if (n.serving || !off_[LOOSEN_EARLY]) {
            for (int v = 0; v < NODES; v++) {
                admit(s, i, v, out);
                replace(s, i, v, out);
            }
            if (bound_.lower_k && s.record.k > 1 && s.left.changes) {
                State& t = add(s, out, "the operator lowers k: it sends the swap", i).after;
                t.left.changes--;
                send(t, i, LOWER_K, 0, 0, s.record.k - 1);
            }
        }
        if (n.serving || s.record.k == 0) begin_tightening(s, i, out);
    }

    void admit(const State& s, int i, int v, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Node& other = s.node[v];
        if (v == i || (s.record.voters >> v & 1) || !n.walsender[v].name || other.floor) return;
        if (!streams(s, v, i) || (other.followed != n.term && !off_[PREFIX])) return;
        State& t = add(s, out, "it sends a swap: a voter is admitted", i, v).after;
        send(t, i, ADMIT, 0, 1 << v);
        t.node[i].swap.voter_id = other.id;
        if (off_[LOOSEN_ORDER])
            t.node[i].setting = setting_of(s.record.term, s.record.voters | 1 << v, s.record.k);
    }

    // A lost disk's place passes to the new one under its name: the old one counts no more, the new one has flushed a
    // barrier written after that, and the swap raises the term, since this term's name belongs to the old disk.
    void replace(const State& s, int i, int v, std::vector<Step>& out) const {
        const Record& r = s.record;
        if (!(r.voters >> v & 1) || (r.voter_ids >> v & 1) == s.node[v].id || r.released) return;
        if (!streams(s, v, i) || s.node[v].followed != s.node[i].term) return;
        State& t = add(s, out, "a lost disk's place is to pass on: PostgreSQL first", i, v).after;
        const int others = r.voters & ~(1 << v);
        t.node[i].setting = setting_of(r.term, off_[REPLACE_ORDER] ? r.voters : others, r.k);
        t.node[i].tightening = Tightening{1, u8(others), r.k, 0, u8(v + 1), {0, 0, 0}};
    }

    bool replaced_has(const State& s, int i) const {
        const Node& n = s.node[i];
        const int v = n.tightening.replaced - 1;
        const Walsender& w = n.walsender[v];
        const bool says_so = s.node[v].log.length >= n.tightening.lsn && s.node[v].followed == n.term;
        return off_[REPLACE_BARRIER] || (w.name == BARE && w.flush >= n.tightening.lsn && says_so);
    }

    void begin_tightening(const State& s, int i, std::vector<Step>& out) const {
        const Record& r = s.record;
        if (!s.left.changes && r.k) return;
        for (int v = 0; v < NODES; v++)
            if ((r.voters >> v & 1) && count(r.voters) - 1 >= r.k && r.k > 0)
                tighten(s, i, r.voters & ~(1 << v), r.k, "a voter is to be dropped: PostgreSQL first", v, out);
        if (r.k < bound_.k_max && count(r.voters) > r.k)
            tighten(s, i, r.voters, r.k + 1, "k is to be raised: PostgreSQL first", r.k + 1, out);
    }

    void tighten(const State& s, int i, int voters, int k, const char* what, int arg, std::vector<Step>& out) const {
        State& t = add(s, out, what, i, arg).after;
        if (t.left.changes) t.left.changes--;
        if (off_[TIGHTEN_ORDER]) {
            send(t, i, TIGHTEN, 0, voters, k);
            return;
        }
        t.node[i].setting = setting_of(s.record.term, voters, k);
        t.node[i].tightening = Tightening{1, u8(voters), u8(k), 0, 0, {0, 0, 0}};
    }

    // LIVE: the dropped voter's walsender counts no more; for a raised k every walsender is new; waiting is on.
    bool live(const State& s, int i) const {
        const Node& n = s.node[i];
        const int dropped = off_[REPLACE_ORDER] ? 0 : s.record.voters & ~n.tightening.voters;
        for (int j = 0; j < NODES; j++) {
            if ((dropped >> j & 1) && counts(n.walsender[j], j)) return false;
            const bool raised = n.tightening.k > s.record.k;
            if (raised && n.walsender[j].name && n.walsender[j].view != n.setting) return false;
        }
        return n.defined;
    }

    void go_on_tightening(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Tightening& x = n.tightening;
        if (x.stage == 1 && (off_[LIVE] || live(s, i))) {
            State& t = add(s, out, "the new setting is proved live", i).after;
            t.node[i].tightening.stage = 2;
            t.node[i].tightening.lsn = n.log.length;
        }
        if (x.stage == 2 && x.replaced && replaced_has(s, i) && !unsettled(n)) {
            const int v = x.replaced - 1;
            State& t = add(s, out, "the new disk has the barrier: it sends the swap", i, v).after;
            send(t, i, REPLACE, s.record.term + !off_[REPLACE_TERM], 1 << v);
            t.node[i].swap.voter_id = s.node[v].id;
            t.node[i].tightening.stage = 3;
        }
        if (x.stage == 2 && !x.replaced && (off_[TIGHTEN_BARRIER] || flushed_by(n, x.voters, x.k, x.lsn)) && !unsettled(n)) {
            State& t = add(s, out, "barrier flushed by k of the new voters: it sends the swap", i).after;
            send(t, i, TIGHTEN, 0, x.voters, x.k);
            t.node[i].tightening.stage = 3;
        }
        if (x.stage < 3 || (n.swap.kind != TIGHTEN && n.swap.kind != REPLACE))
            add(s, out, "the change is given up", i).after.node[i].tightening = Tightening{};
    }

    // ---- elections -------------------------------------------------------------------------------------------------

    void standing(const State& s, int i, std::vector<Step>& out) const {
        promise(s, i, out);
        report(s, i, out);
        const Node& n = s.node[i];
        if (n.process == RECOVERY && counted(s, i, n.report.term)) decide(s, i, out);
    }

    void decide(const State& s, int i, std::vector<Step>& out) const {
        if (s.lost) rebuild(s, i, out);
        if (s.left.doors) door(s, i, out);
        if (!frozen(s, i)) {
            win(s, i, out);
            if (bound_.catch_up) catch_up(s, i, out);
        }
    }

    void promise(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const u32 basis = basis_of(s.record);
        if (n.log.length == 0) return;
        const bool running = n.process == PRIMARY;
        if (running && !(off_[OLD_LSN] && is_holder(s, i))) return;  // it is killed first
        for (int q = s.record.term + 1; q <= bound_.terms; q++) {
            if (q < n.promise || (q == n.promise && n.report.term == q && n.report.basis == basis)) continue;
            State& t = add(s, out, running ? "a running primary's position is published" : "it promises a term", i, q).after;
            t.node[i].report = Report{basis, u8(q), 0, 0, n.id};
            if (running) {
                t.node[i].report.position = end_of(n.log);
                t.node[i].report.stopped = 1;
                continue;
            }
            if (n.process == DOWN) start_in_recovery(t.node[i]);
            t.node[i].promise = u8(q);
            t.node[i].conf = Upstream{};
        }
    }

    bool revoked(const Node& n) const {
        if (off_[WAIT_REVOKED]) return true;
        if (off_[STARTUP_PROOF]) return n.conf.target == 0 && n.receiver.state != STREAMING;
        return is_cut(n);
    }

    void report(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (n.process != RECOVERY || n.report.term == 0 || n.report.position || n.promise > n.report.term) return;
        if (n.conf.target || !revoked(n)) return;
        int term = wal_term(n.log, n.log.length);
        if (off_[TERM_OF_WAL]) term = n.followed;
        if (n.floor && position(term, n.log.length) < n.floor && !off_[FLOOR]) return;
        Report& r = add(s, out, "it reports its position", i).after.node[i].report;
        r.position = position(off_[BY_TERM] ? 0 : term, n.log.length);
        r.stopped = is_holder(s, i);
    }

    // A report that may be counted now. SAME RECORD: for this very record.
    bool counted(const State& s, int i, int q) const {
        const Report& r = s.node[i].report;
        if (r.term != q || q <= s.record.term || !r.position) return false;
        return off_[SAME_RECORD] || r.basis == basis_of(s.record);
    }

    void win(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const int q = n.report.term;
        if (n.unfit || (n.swap.kind && !n.swap.orphan)) return;
        const int h = s.record.holder;
        const u8 mine = n.report.position;
        bool elected = false;
        if (s.record.released) elected = mine >= (off_[BY_TERM] ? s.record.handover & 15 : s.record.handover);
        if (counted(s, h, q) && s.node[h].report.stopped)
            elected = elected || mine >= s.node[h].report.position;
        if (off_[HOLDER_VOTES]) elected = false;
        if (is_voter(s, i) && !elected) {
            int votes = 0;
            for (int j = 0; j < NODES; j++)
                votes += voter_reported(s, j) && counted(s, j, q) && s.node[j].report.position <= mine;
            elected = votes >= votes_needed(s.record);  // reports of better ones may be late or lost
        }
        if (!elected) return;
        State& t = add(s, out, "elected: it sends the swap", i, q).after;
        if (off_[SWAP_FIRST]) {
            append(t.node[i].log, symbol(PROMOTION, q, i));
            begin_as_primary(t, i);
            t.node[i].term = u8(q);
            t.node[i].setting = setting_of(q, (s.record.voters | 1 << h) & ~(1 << i), s.record.k);
            t.node[i].defined = 1;
        }
        send(t, i, WIN, q, 0, 0, mine);
    }

    static void become_holder(State& t, int i, int voters, int k) {
        Record& r = t.record;
        Node& n = t.node[i];
        r.term = n.report.term;
        r.holder = u8(i);
        r.holder_id = n.id;
        r.voters = u8(voters);
        r.voter_ids = 0;
        for (int j = 0; j < NODES; j++)
            if ((voters >> j & 1) && t.node[j].id) r.voter_ids |= u8(1 << j);
        r.k = u8(k);
        r.generation++;
        r.entry_term = r.term;
        r.entry_node = u8(i);
        r.won_at = n.report.position;
        r.released = r.handover = r.spent = r.spent_ids = 0;
        learn(n, age_of(r), i);
        t.lost = t.back = 0;
        for (Node& other : t.node)
            if (other.swap.kind != CREATE) other.swap = Swap{};
    }

    // The record lost: every server is here with its last known id, revoked; the best leads.
    void rebuild(const State& s, int i, std::vector<Step>& out) const {
        for (int j = 0; j < NODES; j++) {
            if (j == i) continue;
            const bool here = s.node[j].process == RECOVERY && counted(s, j, s.node[i].report.term);
            if (!here && off_[EVERY_SERVER]) continue;
            if (!here || s.node[j].id || s.node[i].id) return;
            if (s.node[j].report.position > s.node[i].report.position) return;
        }
        become_holder(add(s, out, "every server is here: it rebuilds the record", i).after, i, 7 & ~(1 << i), s.record.k);
    }

    // Not revoked above the primary's term, and following this very primary in it: a promise of the same term may have
    // been given for another's election, once the store was put back to the record that it was asked for.
    bool confirms(const State& s, int j, int p) const {
        const Node& n = s.node[j];
        const Node& primary = s.node[p];
        if (n.process != RECOVERY || n.id || n.promise > primary.term) return false;
        if (off_[CONFIRM_FOLLOWS]) return true;
        return n.conf.name == primary.term && (n.conf.target == p + 1 || off_[CONFIRM_WHOM]);
    }

    // A server that serves with k confirmations writes again the record that it last settled; it may land much later.
    void recreate(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (n.process != PRIMARY || !n.serving || n.swap.kind || n.tightening.stage) return;
        if (s.back && !unexplained(s, i)) return;
        int confirmed = 0;
        const int voters = setting_mask(n.setting), k = setting_k(n.setting);
        for (int j = 0; j < NODES; j++)
            confirmed += (voters >> j & 1) && confirms(s, j, i);
        if (confirmed < k && !off_[CONFIRMED]) return;
        send(add(s, out, "k voters confirm: it writes the record again", i).after, i, CREATE, n.term, voters, k, n.known);
    }

    // The door: who does not run is given up, the operator says that it is off, and the best of the others leads.
    void door(const State& s, int i, std::vector<Step>& out) const {
        int voters = 0, given_up = 0;
        for (int j = 0; j < NODES; j++) {
            const Node& n = s.node[j];
            if (n.process == PRIMARY) return;
            if (j == i) continue;
            if (n.process == RECOVERY && !counted(s, j, s.node[i].report.term)) return;
            if (n.process == RECOVERY && n.report.position > s.node[i].report.position) return;
            (n.process == RECOVERY ? voters : given_up) |= 1 << j;
        }
        if (!given_up) return;
        State& t = add(s, out, "the door: it is promoted by force", i).after;
        t.left.doors--;
        become_holder(t, i, voters, s.record.k < count(voters) ? s.record.k : count(voters));
        int kept = 0;  // what only the others had is given up; nothing else may ever be missing
        while (kept < t.acked.length && kept < t.node[i].log.length && t.acked.at[kept] == t.node[i].log.at[kept]) kept++;
        cut(t.acked, kept);
    }

    // The missing log is streamed from a better revoked server, up to what that one reported.
    void catch_up(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (!is_cut(n)) return;
        for (int j = 0; j < NODES; j++) {
            const Node& best = s.node[j];
            if (j == i || best.process != RECOVERY || !counted(s, j, n.report.term) || !is_cut(best)) continue;
            if (best.report.position <= n.report.position) continue;
            if (!history_is_prefix(n.log, best.log) && !off_[PREFIX]) continue;
            Node& t = add(s, out, "it streams what is missing from the best", i, j).after.node[i];
            for (int x = t.log.length; x < best.log.length; x++) append(t.log, best.log.at[x]);
            t.flushed = t.log.length;
            t.report.position = 0;
        }
    }

    // ---- following -------------------------------------------------------------------------------------------------

    void following(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const bool resumes = leads(s, i) && n.promise <= s.record.term && !n.unfit && !off_[RESUME];
        if (n.process == DOWN && n.log.length && !resumes)
            start_in_recovery(add(s, out, "it starts in recovery, everything blank", i).after.node[i]);
        if (n.process == RECOVERY && n.floor && end_of(n.log) >= n.floor)
            add(s, out, "it is past its floor", i).after.node[i].floor = 0;
        if (n.process == PRIMARY || (frozen(s, i) && !s.lost)) return;
        for (int h = 0; h < NODES; h++) {
            const Node& source = s.node[h];
            if (h == i || source.process != PRIMARY) continue;
            if (n.process == RECOVERY && (source.term >= n.promise || off_[NEVER_WITHDRAWN])) follow(s, i, h, out);
            const bool current = leads(s, h) && source.term == s.record.term && n.promise <= source.term;
            if (current && !is_holder(s, i)) come_back(s, i, h, out);
        }
        const int source = s.record.holder;
        const bool elsewhere = n.conf.target != source + 1 || !history_is_prefix(n.log, s.node[source].log);
        if (n.process == RECOVERY && n.conf.target && elsewhere)
            add(s, out, "it leaves its old primary", i).after.node[i].conf = Upstream{};
    }

    // The record that says whom it follows is durable before it follows.
    static void learn(Node& n, const State& s, int h) {
        const bool current = s.record.term == s.node[h].term && !s.back;
        const int generation = current ? s.record.generation : s.node[h].known >> 4;
        const u8 known = u8(generation << 4 | s.node[h].term);
        learn(n, known, h);
    }
    static void learn(Node& n, u8 known, int holder) {
        if (n.known >= known) return;
        n.known = known;
        n.known_holder = u8(holder + 1);
    }

    u8 name_for(const State& s, int i, int h) const {
        // Its record may be an old one, in which it was a voter; but a new disk was one in none before it is admitted.
        const bool may_think_so = s.record.term != s.node[h].term && s.node[i].id == 0;
        return is_voter(s, i) || may_think_so || off_[BARE_NAME] || off_[V_AFTER_SWAP] ? s.node[h].term : BARE;
    }

    void follow(const State& s, int i, int h, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Upstream upstream{u8(h + 1), name_for(s, i, h)};
        if (n.conf == upstream && n.followed == s.node[h].term) return;
        if (is_holder(s, i)) return;
        const bool same = n.conf.target == h + 1;  // it streams from this very primary: only the name changes
        if (!same && !off_[CUT_FIRST] && !is_cut(n)) return;
        if (!off_[PREFIX] && !history_is_prefix(n.log, s.node[h].log)) return;
        Node& t = add(s, out, "PREFIX holds: it follows", i, h).after.node[i];
        t.conf = upstream;
        if (t.promise < s.node[h].term) t.promise = s.node[h].term;
        t.followed = s.node[h].term;
        learn(t, s, h);
    }

    // A voter that waits to be rewound itself cannot flush the barrier: two of them would wait for each other for ever.
    bool can_flush(const State& s, int j, int h) const {
        const Node& n = s.node[j];
        const bool counts = is_voter(s, j) || (bound_.voter_changes && !off_[LAST_COPY_VOTERS] && n.log.length);
        if (!counts || n.process != RECOVERY || n.promise > s.node[h].term) return false;
        if (off_[LAST_COPY_SOON]) return n.conf.target == h + 1;
        return off_[LAST_COPY_MUTUAL] || history_is_prefix(n.log, s.node[h].log);
    }

    // One at a time: while it is brought back, a server is no copy of what it had.
    bool another_comes_back(const State& s, int i, int h) const {
        if (off_[ONE_AT_A_TIME]) return false;
        for (int j = 0; j < NODES; j++)
            if (j != i && j != h && s.node[j].floor && s.node[j].process == RECOVERY) return true;
        return false;
    }

    void come_back(const State& s, int i, int h, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        const Node& source = s.node[h];
        const bool empty = n.log.length == 0;
        if (!empty && (history_is_prefix(n.log, source.log) || !is_cut(n))) return;
        if (!empty && !off_[LAST_COPY] && !source.serving) {
            int others = 0;
            for (int j = 0; j < NODES; j++) others += j != i && can_flush(s, j, h);
            if (others >= (s.record.k > 1 ? s.record.k : 1) || another_comes_back(s, i, h)) return;
            if (end_of(source.log) < end_of(n.log)) return;
        }
        State& t = add(s, out, empty ? "it is cloned" : "it is rewound", i, h).after;
        Node& m = t.node[i];
        const int fork = fork_of(n.log, source.log);
        const u8 floor = position(wal_term(n.log, fork), fork);
        if (!empty && floor > m.floor) m.floor = floor;
        if (m.process == RECOVERY) stop(m);
        if (empty) append(m.log, source.log.at[0]);
        cut(m.log, 1);  // back to the last common checkpoint: here the oldest there is
        start_in_recovery(m);
        m.promise = m.followed = source.term;
        m.conf = m.view = Upstream{u8(h + 1), name_for(t, i, h)};
        m.report = Report{};
        learn(m, s, h);
    }

    // ---- the store -------------------------------------------------------------------------------------------------

    void store(const State& s, int i, std::vector<Step>& out) const {
        const Swap& swap = s.node[i].swap;
        if (!swap.kind) return;
        if (swap.kind == CREATE) {
            const bool lands = s.lost || (s.back && swap.basis == basis_of(s.record));
            Step& step = add(s, out, lands ? "the record is there again" : "its swap is refused: a record is there", i);
            if (lands) land(step, i, swap);
            step.after.node[i].swap = Swap{};
            return;
        }
        if (s.lost) {
            State& t = add(s, out, "its swap is refused: there is no record", i).after;
            t.node[i].swap = Swap{};
            t.node[i].tightening = Tightening{};
            return;
        }
        if (swap.orphan) add(s, out, "a swap of unknown outcome is lost", i).after.node[i].swap = Swap{};
        const bool lands = swap.kind == WIN && off_[SAME_RECORD] ? swap.term > s.record.term
                                                                  : swap.basis == basis_of(s.record);
        if (!lands) {
            if (!swap.orphan) {
                State& t = add(s, out, "its swap is refused", i).after;
                t.node[i].swap = Swap{};
                t.node[i].tightening = Tightening{};
            }
            return;
        }
        Step& step = add(s, out, "a swap lands", i, swap.kind);
        land(step, i, swap);
        if (!swap.orphan && s.left.timeouts) {
            State& t = add(s, out, "a swap times out", i, swap.kind).after;
            t.left.timeouts--;
            t.node[i].swap.orphan = 1;
            t.node[i].tightening = Tightening{};
            out.back().fault = true;
        }
    }

    static void raise(Record& r, int term) {
        r.term = u8(term);
        r.spent = r.spent_ids = 0;
    }

    void land(Step& step, int i, const Swap swap) const {
        State& t = step.after;
        Record& r = t.record;
        Node& n = t.node[i];
        switch (swap.kind) {
            case WIN: {
                const int old = r.holder;
                const u8 bit = u8(1 << i), old_bit = u8(1 << old);
                const bool keep_old = !off_[V_AFTER_SWAP] && old != i;
                if (count((r.voters & ~bit) | (keep_old ? old_bit : 0)) < r.k && !off_[V_AFTER_SWAP]) break;
                r.voters = u8((r.voters & ~bit) | (keep_old ? old_bit : 0));
                r.voter_ids = u8((r.voter_ids & ~bit) | (keep_old && r.holder_id ? old_bit : 0));
                r.term = swap.term;
                r.holder = u8(i);
                r.holder_id = swap.sender_id;
                r.entry_term = swap.term;
                r.entry_node = u8(i);
                r.won_at = swap.position;
                r.spent = r.spent_ids = 0;
                r.released = r.handover = 0;
                break;
            }
            case RAISE_TERM: raise(r, swap.term); break;
            case ADMIT:
                r.voters |= swap.voters;
                if (swap.voter_id) r.voter_ids |= swap.voters;
                // Another disk was dropped under this name in this term: the name belongs to that one.
                if ((r.spent & swap.voters) && bool(r.spent_ids & swap.voters) != bool(swap.voter_id) && !off_[SPENT])
                    raise(r, r.term + 1);
                break;
            case REPLACE:
                r.voter_ids = u8((r.voter_ids & ~swap.voters) | (swap.voter_id ? swap.voters : 0));
                if (swap.term > r.term) raise(r, swap.term);
                break;
            case TIGHTEN:
                if (bound_.budget.wipes) {
                    const u8 gone = u8(r.voters & ~swap.voters);
                    r.spent |= gone;
                    r.spent_ids = u8((r.spent_ids & ~gone) | (r.voter_ids & gone));
                }
                r.voters = swap.voters;
                r.voter_ids &= swap.voters;
                r.k = swap.k;
                break;
            case LOWER_K: r.k = swap.k; break;
            case RENEW:
                if (n.process == PRIMARY && !swap.orphan) {
                    n.serving = 1;
                    step.broken = told(t, n.log, n.barrier);
                }
                break;
            case RELEASE:
                r.released = 1;
                r.handover = swap.position;
                break;
            case CREATE:
                r = Record{};
                r.term = swap.term;
                r.holder = u8(i);
                r.holder_id = swap.sender_id;
                r.voters = swap.voters;
                r.k = swap.k;
                r.generation = u8((swap.position >> 4) + 1);
                for (int x = 0; x < n.log.length; x++)
                    if (kind_of(n.log.at[x]) == PROMOTION) {
                        r.entry_term = u8(term_of(n.log.at[x]));
                        r.entry_node = u8(node_of(n.log.at[x]));
                    }
                learn(n, age_of(r), i);
                t.lost = t.back = 0;
                break;
            case TAKE_BACK:
                r.released = r.handover = 0;
                r.generation++;
                break;
        }
        n.tightening = Tightening{};
        n.swap = Swap{};
        settle(t);
    }

    // ---- faults ----------------------------------------------------------------------------------------------------

    void faults(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (s.left.crashes && n.process != DOWN) {
            Step& step = add(s, out, "it loses power", i);
            step.fault = true;
            step.after.left.crashes--;
            power_off(step.after.node[i]);
        }
        if (s.left.losses) {
            Step& step = add(s, out, "it dies for good", i);
            step.fault = true;
            step.after.left.losses--;
            step.after.wiped++;
            power_off(step.after.node[i]);
            step.after.node[i].process = LOST;
        }
        if (s.left.wipes && n.log.length && !n.id) {
            Step& step = add(s, out, "its disk is lost; an empty one takes its place", i);
            step.fault = true;
            step.after.left.wipes--;
            step.after.wiped++;
            Node& m = step.after.node[i];
            power_off(m);
            cut(m.log, 0);
            m.flushed = m.promise = m.followed = m.floor = 0;
            m.id ^= 1;
        }
        if (s.left.unfits && !n.unfit && is_holder(s, i)) {
            Step& step = add(s, out, "it cannot be a primary any more", i);
            step.fault = true;
            step.after.left.unfits--;
            Node& m = step.after.node[i];
            if (m.process == PRIMARY) stop(m);
            m.unfit = 1;
        }
        if (s.left.breaks && n.receiver.state == STREAMING) {
            Step& step = add(s, out, "its receiver's connection breaks", i);
            step.fault = true;
            step.after.left.breaks--;
            end_receiver(step.after.node[i]);
        }
        if (s.left.agents && (n.swap.kind || n.tightening.stage)) {
            Step& step = add(s, out, "its agent dies and starts anew", i);
            step.fault = true;
            step.after.left.agents--;
            step.after.node[i].tightening = Tightening{};
            if (n.swap.kind) step.after.node[i].swap.orphan = 1;
        }
    }

    void store_faults(const State& s, std::vector<Step>& out) const {
        if (s.left.empties && !s.lost) {
            Step& step = add(s, out, "the store is emptied", s.record.holder);
            step.fault = true;
            step.after.left.empties--;
            step.after.lost = 1;
        }
        if (s.left.backs && !s.lost && memcmp(&s.record, &s.backup, sizeof(Record)) != 0) {
            Step& step = add(s, out, "the store is put back to an old copy", s.record.holder);
            step.fault = true;
            step.after.left.backs--;
            step.after.record = s.backup;
            step.after.back = 1;
            for (Node& n : step.after.node) {
                n.swap = Swap{};
                n.tightening = Tightening{};
            }
        }
    }

    void power_off(Node& n) const {
        if (n.process == RECOVERY) cut(n.log, n.flushed);
        stop(n);
        if (off_[PERSISTED]) n.promise = n.followed;
    }
};
