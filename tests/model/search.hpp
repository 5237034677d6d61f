// How is every state that can be reached visited, breadth first, and how is a shortest way to a bad one told?
//
// A state is remembered by a 64-bit fingerprint (with 20 million states, a chance of about one in 100,000 that two
// share one); the states themselves are kept only while they wait to be expanded. A way is told by walking it again.
#pragma once

#include <chrono>
#include <cstdio>
#include <vector>

#include "steps.hpp"

class Seen {
  public:
    Seen() : slots_(1 << 16), mask_((1 << 16) - 1) {}

    // The number of the state with this fingerprint; `fresh` says whether it is new, and then it becomes `next`.
    u32 number(u64 print, u32 next, bool& fresh) {
        if (used_ * 10 > slots_.size() * 6) grow();
        size_t at = print & mask_;
        while (slots_[at].print && slots_[at].print != print) at = (at + 1) & mask_;
        fresh = slots_[at].print == 0;
        if (fresh) {
            slots_[at] = Slot{print, next};
            used_++;
        }
        return slots_[at].number;
    }

  private:
    struct Slot {
        u64 print = 0;
        u32 number = 0;
    } __attribute__((packed));

    void grow() {
        std::vector<Slot> old(slots_.size() * 2);
        old.swap(slots_);
        mask_ = slots_.size() - 1;
        for (const Slot& slot : old) {
            if (!slot.print) continue;
            size_t at = slot.print & mask_;
            while (slots_[at].print) at = (at + 1) & mask_;
            slots_[at] = slot;
        }
    }

    std::vector<Slot> slots_;
    size_t mask_, used_ = 0;
};

struct Outcome {
    u64 states = 0, edges = 0, depth = 0;
    bool complete = false;
    const char* broken = nullptr;  // a promise that was broken
    u64 stuck = 0;                 // states with a quorum alive from which no primary that serves can be reached
    u64 asked = 0;                 // states that had to be able to reach one
    double seconds = 0;
    bool bad() const { return broken || stuck; }
};

class Search {
  public:
    Search(const Bound& bound, const Guards& guards, u64 states_max)
        : bound_(bound), world_(bound, guards), states_max_(states_max) {}

    Outcome run() {
        const auto began = std::chrono::steady_clock::now();
        Outcome o;
        forward(o);
        if (!o.broken && o.complete && bound_.liveness) backward(o);
        o.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        return o;
    }

    // The steps that lead to the state found, one a line.
    void tell(FILE* to) const {
        std::vector<u32> way;
        for (u32 at = found_; at; at = parent_[at]) way.push_back(at);
        State now = world_.first();
        std::vector<Step> steps;
        int line = 0;
        for (size_t i = way.size(); i-- > 0;) {
            world_.steps(now, steps);
            for (const Step& step : steps)
                if (fingerprint(step.after) == print_[way[i]]) {
                    print(to, ++line, step);
                    now = step.after;
                    break;
                }
        }
        if (last_.what) print(to, ++line, last_matching(now));
        picture(to, last_.what ? last_matching(now).after : now);
    }

  private:
    static constexpr u8 GOOD = 1, ASKED = 2;

    void forward(Outcome& o) {
        std::vector<State> layer{world_.first()}, next;
        std::vector<u32> numbers{0}, next_numbers;
        std::vector<Step> steps;
        bool fresh;
        const u64 print = fingerprint(layer[0]);
        seen_.number(print, 0, fresh);
        remember(layer[0], print, 0);
        while (!layer.empty()) {
            next.clear();
            next_numbers.clear();
            for (size_t i = 0; i < layer.size(); i++) {
                world_.steps(layer[i], steps);
                o.edges += steps.size();
                for (const Step& step : steps) {
                    if (step.broken) {
                        o.broken = step.broken;
                        o.states = parent_.size();
                        found_ = numbers[i];
                        last_ = step;
                        return;
                    }
                    const u64 p = fingerprint(step.after);
                    const u32 number = seen_.number(p, u32(parent_.size()), fresh);
                    if (fresh) {
                        remember(step.after, p, numbers[i]);
                        next.push_back(step.after);
                        next_numbers.push_back(number);
                    }
                    if (bound_.liveness && !step.fault) edges_.push_back(Edge{numbers[i], number});
                }
            }
            if (parent_.size() > states_max_) break;
            layer.swap(next);
            numbers.swap(next_numbers);
            o.depth++;
        }
        o.states = parent_.size();
        o.complete = layer.empty();
    }

    void remember(const State& s, u64 print, u32 from) {
        parent_.push_back(from);
        print_.push_back(print);
        if (bound_.liveness) flags_.push_back(u8((world_.serves(s) ? GOOD : 0) | (world_.quorum_alive(s) ? ASKED : 0)));
    }

    // From which states can a serving primary be reached without a fault? Backwards from those that have one.
    void backward(Outcome& o) {
        const u32 n = u32(parent_.size());
        std::vector<u32> begin(n + 1, 0), from(edges_.size());
        for (const Edge& e : edges_) begin[e.to + 1]++;
        for (u32 i = 0; i < n; i++) begin[i + 1] += begin[i];
        std::vector<u32> at(begin.begin(), begin.end() - 1);
        for (const Edge& e : edges_) from[at[e.to]++] = e.from;
        std::vector<Edge>().swap(edges_);
        std::vector<bool> reaches(n, false);
        std::vector<u32> queue;
        for (u32 i = 0; i < n; i++)
            if (flags_[i] & GOOD) {
                reaches[i] = true;
                queue.push_back(i);
            }
        while (!queue.empty()) {
            const u32 i = queue.back();
            queue.pop_back();
            for (u32 e = begin[i]; e < begin[i + 1]; e++)
                if (!reaches[from[e]]) {
                    reaches[from[e]] = true;
                    queue.push_back(from[e]);
                }
        }
        for (u32 i = n; i-- > 0;) {
            if (!(flags_[i] & ASKED)) continue;
            o.asked++;
            if (reaches[i]) continue;
            o.stuck++;
            found_ = i;  // the last one that stays is the nearest to the start
        }
    }

    Step last_matching(const State& now) const {
        std::vector<Step> steps;
        world_.steps(now, steps);
        for (const Step& step : steps)
            if (step.broken) return step;
        return last_;
    }

    static void print(FILE* to, int line, const Step& step) {
        static const char* const swaps[] = {"", "win", "raise term", "admit", "tighten", "lower k", "renew", "release", "take back", "create", "replace"};
        fprintf(to, "%4d. n%d: %s", line, step.node + 1, step.what);
        if (!strncmp(step.what, "a swap", 6)) fprintf(to, " (%s)", swaps[step.arg]);
        else if (step.arg || strstr(step.what, "follows") || strstr(step.what, "connects")) fprintf(to, " [%d]", step.arg);
        fprintf(to, "%s%s%s\n", step.fault ? "  ** fault" : "", step.broken ? "  => " : "", step.broken ? step.broken : "");
    }

    static void print_log(FILE* to, const Log& log) {
        for (int i = 0; i < log.length; i++) {
            const u8 s = log.at[i];
            if (kind_of(s) == PROMOTION) fprintf(to, " P%d(n%d)", term_of(s), node_of(s) + 1);
            else fprintf(to, " %c%d", kind_of(s) == WRITE ? 'w' : 'r', term_of(s));
        }
    }

    static void picture(FILE* to, const State& s) {
        static const char* const processes[] = {"down", "recovery", "PRIMARY", "lost for good"};
        const Record& r = s.record;
        fprintf(to, "      record: term %d, holder n%d, voters", r.term, r.holder + 1);
        for (int i = 0; i < NODES; i++)
            if (r.voters >> i & 1) fprintf(to, " n%d", i + 1);
        fprintf(to, ", k %d%s\n      acknowledged:", r.k, r.released ? ", released" : "");
        print_log(to, s.acked);
        fprintf(to, "\n");
        for (int i = 0; i < NODES; i++) {
            const Node& n = s.node[i];
            fprintf(to, "      n%d %s, promise %d%s, log:", i + 1, processes[n.process], n.promise, n.serving ? ", serves" : "");
            print_log(to, n.log);
            fprintf(to, "\n");
        }
    }

    struct Edge {
        u32 from, to;
    };

    const Bound bound_;
    World world_;
    u64 states_max_;
    Seen seen_;
    std::vector<u32> parent_;
    std::vector<u64> print_;
    std::vector<u8> flags_;
    std::vector<Edge> edges_;
    u32 found_ = 0;
    Step last_{};
};
