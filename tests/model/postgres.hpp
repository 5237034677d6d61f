// Which steps does PostgreSQL take by itself? Startup process, receiver, walsenders and checkpointer, each at its own time.
#pragma once

#include "words.hpp"

class PostgreSQL : protected Words {
  protected:
    PostgreSQL(const Bound& bound, const Guards& guards) : Words(bound, guards) {}

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
};
