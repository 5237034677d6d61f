// Which steps does the record's holder take: resume, promote, set, serve, hand over, change the voters?
#pragma once

#include "store.hpp"

class Holder : protected Store {
  protected:
    Holder(const Bound& bound, const Guards& guards) : Store(bound, guards) {}

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
        if (bound_.drops_only) return;
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
};
