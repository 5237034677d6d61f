// How does a server come to follow a primary: PREFIX, FLOOR, LAST COPY?
#pragma once

#include "elections.hpp"

class Following : protected Elections {
  protected:
    Following(const Bound& bound, const Guards& guards) : Elections(bound, guards) {}

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

    u8 name_for(const State& s, int i, int h) const {
        // Its record may be an old one, in which it was a voter; but a new disk was one in none before it is admitted.
        // On a disk that was away lies the record of when it was lost: it was a voter in that term, and in no later one.
        const bool away = s.aside.of == i + 1;
        const bool old_record = away ? s.aside.record_term == s.node[h].term : s.record.term != s.node[h].term;
        const bool may_think_so = old_record && s.node[i].id == 0;
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
};
