// Which steps can the world take? PostgreSQL's own, each process at its own time; the agents', by the protocol's rules;
// the store's; and faults. A pause needs no step of its own: any step may come arbitrarily late.
#pragma once

#include "following.hpp"

class World : private Following {
  public:
    World(const Bound& bound, const Guards& guards) : Following(bound, guards) {}

    State first() const {
        State s{};
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
            voters += alive && voter && floor_in_reach(s, j);
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
    // Below its floor a voter has no vote until it has from somebody alive what it once acknowledged.
    bool floor_in_reach(const State& s, int j) const {
        const u8 floor = s.node[j].floor;
        bool reached = !floor;
        for (const Node& n : s.node) reached = reached || (n.process != LOST && n.log.length && end_of(n.log) >= floor);
        return reached;
    }

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
            n = Node{};
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
            if (bound_.budget.returns)
                step.after.aside = Disk{m.log, m.promise, m.followed, m.floor, m.id, u8(i + 1), m.followed, {0, 0}};
            cut(m.log, 0);
            m.flushed = m.promise = m.followed = m.floor = 0;
            m.id ^= 1;
        }
        if (s.left.returns && s.aside.of == i + 1) {
            Step& step = add(s, out, "the disk that was taken for lost and the new one change places", i);
            step.fault = true;
            step.after.left.returns--;
            Node& m = step.after.node[i];
            power_off(m);
            const Disk& back = s.aside;
            step.after.aside = Disk{m.log, m.promise, m.followed, m.floor, m.id, back.of, back.record_term, {0, 0}};
            m.log = back.log;
            m.flushed = m.log.length;
            m.promise = back.promise;
            m.followed = back.followed;
            m.floor = back.floor;
            m.id = back.id;
            if (!m.report.position) m.report = Report{};  // what it was about to say was the other disk's
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

    void power_off(Node& n) const {
        if (n.process == RECOVERY) cut(n.log, n.flushed);
        stop(n);
        if (off_[PERSISTED]) n.promise = n.followed;
    }
};
