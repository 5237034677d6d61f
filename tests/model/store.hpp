// What becomes of a swap that was sent, what does it change, and how is a record written again that was lost?
#pragma once

#include "postgres.hpp"

class Store : protected PostgreSQL {
  protected:
    Store(const Bound& bound, const Guards& guards) : PostgreSQL(bound, guards) {}

    void send(State& s, int i, SwapKind kind, int term = 0, int voters = 0, int k = 0, int at = 0) const {
        s.node[i].swap = Swap{basis_of(s.record), kind, 0, u8(term), u8(voters), u8(k), u8(at), s.node[i].id, 0};
    }

    static void settle(State& s) {
        for (Node& n : s.node)
            if (n.swap.orphan && n.swap.kind != CREATE) n.swap = Swap{};
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

    // ---- the record lost, or put back to an old copy ----------------------------------------------------------------

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
};
