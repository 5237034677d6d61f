// Which steps lead to another holder: promise, report, win; the rebuilt record and the door?
#pragma once

#include "holder.hpp"

class Elections : protected Holder {
  protected:
    Elections(const Bound& bound, const Guards& guards) : Holder(bound, guards) {}

    void standing(const State& s, int i, std::vector<Step>& out) const {
        promise(s, i, out);
        report(s, i, out);
        if (bound_.catch_up && !off_[REACH_FLOOR] && !frozen(s, i)) reach_floor(s, i, out);
        const Node& n = s.node[i];
        if (n.process == RECOVERY && counted(s, i, n.report.term) && n.report.id == n.id) decide(s, i, out);
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
        const int lowest = s.record.term + 1 > bound_.asked_from ? s.record.term + 1 : bound_.asked_from;
        for (int q = lowest; q <= bound_.terms; q++) {
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
            stream(add(s, out, "it streams what is missing from the best", i, j).after.node[i], best);
        }
    }

    // A voter below its floor has no vote: it streams the rest from a revoked server that has all it ever acknowledged.
    void reach_floor(const State& s, int i, std::vector<Step>& out) const {
        const Node& n = s.node[i];
        if (n.process != RECOVERY || !n.report.term || n.report.position || n.promise > n.report.term) return;
        if (!n.floor || end_of(n.log) >= n.floor || !is_voter(s, i) || !is_cut(n)) return;
        for (int j = 0; j < NODES; j++) {
            const Node& best = s.node[j];
            if (j == i || best.process != RECOVERY || !counted(s, j, n.report.term) || !is_cut(best)) continue;
            if (best.report.position < n.floor || (!history_is_prefix(n.log, best.log) && !off_[PREFIX])) continue;
            stream(add(s, out, "below its floor, it streams from the best", i, j).after.node[i], best);
        }
    }

    static void stream(Node& n, const Node& best) {
        for (int x = n.log.length; x < best.log.length; x++) append(n.log, best.log.at[x]);
        n.flushed = n.log.length;
        n.report.position = 0;
    }
};
