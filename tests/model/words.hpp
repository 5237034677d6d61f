// Which words do the steps share: who is holder, voter, revoked, stuck with a swap; and what was promised to clients?
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
    int k = 1;
    int terms = 1;  // the highest term that anybody asks for
    int asked_from = 0;  // and the lowest: a change that raises the term in place comes before the election
    int k_max = 0;  // to which the operator raises k; 0: never
    bool voter_changes = false;
    bool drops_only = false;  // a lost disk is dropped and the new one admitted; it never takes the place
    bool lower_k = false;
    bool switchover = false;
    bool catch_up = false;
    bool tails = false;         // a standby's log is flushed some time after it was written
    bool wrong_server = false;  // a receiver may reach another primary than it was told
    bool coarse = false;        // what one process does in a row is one step; cut walsenders end by themselves
    bool only_away = false;     // who dies for good is away for ever, and its disk is no copy that was lost
    bool first_voters = false;  // it begins with no voters and k = 0, as a cluster does before its first client
    Budget budget = {};
    bool liveness = false;      // also: from every state with a quorum alive a primary that serves can be reached
};

class Words {
  protected:
    Words(const Bound& bound, const Guards& guards) : bound_(bound), off_(guards) {}

    const Bound bound_;
    const Guards off_;

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
        if (s.wiped <= bound_.k && !bound_.only_away) {
            bool kept = s.aside.of && is_prefix(s.acked, s.aside.log);
            for (const Node& n : s.node) kept = kept || is_prefix(s.acked, n.log);
            if (!kept) return "no disk holds an acknowledged commit any more";
        }
        return nullptr;
    }
};
