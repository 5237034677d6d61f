// What does the model's world consist of? Three servers, the store's record, swaps under way, and what was promised to
// clients. Everything is bytes, so that a state is hashed and compared as it lies in memory.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;

constexpr int NODES = 3;
constexpr int WAL_MAX = 8;  // records of one log; a step that would need more is not taken

// ---- settings ------------------------------------------------------------------------------------------------------

// synchronous_standby_names: ANY k (the names of `mask` in `term`). Bit 0: not empty; a mask of 0 names nobody.
inline u16 setting(int k, int mask, int term) { return u16(1 | k << 1 | mask << 3 | term << 6); }
constexpr u16 EMPTY = 0;
inline int setting_k(u16 s) { return s >> 1 & 3; }
inline int setting_mask(u16 s) { return s >> 3 & 7; }
inline int setting_term(u16 s) { return s >> 6 & 7; }

constexpr u8 BARE = 7;  // a name without a term: it stands in no setting

// ---- the log -------------------------------------------------------------------------------------------------------

// One record of the log is a byte: kind, term in which it was written, and for a promotion who was promoted.
enum Kind : u8 { PROMOTION = 1, WRITE = 2, RESTART = 3 };
inline u8 symbol(Kind kind, int term, int node) { return u8(kind << 6 | term << 3 | node << 1); }
inline int kind_of(u8 s) { return s >> 6; }
inline int term_of(u8 s) { return s >> 3 & 7; }
inline int node_of(u8 s) { return s >> 1 & 3; }

struct Log {
    u8 at[WAL_MAX];
    u8 length;
    u8 pad[7];
};

inline bool is_prefix(const Log& a, const Log& b) {
    return a.length <= b.length && memcmp(a.at, b.at, a.length) == 0;
}

inline void cut(Log& log, int length) {
    if (length < log.length) {
        memset(log.at + length, 0, WAL_MAX - length);
        log.length = u8(length);
    }
}

inline bool append(Log& log, u8 record) {
    if (log.length >= WAL_MAX) return false;
    log.at[log.length++] = record;
    return true;
}

// TERM OF THE WAL: the term of the last promotion in it.
inline int wal_term(const Log& log, int upto) {
    for (int i = upto - 1; i >= 0; i--)
        if (kind_of(log.at[i]) == PROMOTION) return term_of(log.at[i]);
    return 0;
}

inline u8 position(int term, int length) { return u8(term << 4 | length); }
inline u8 end_of(const Log& log) { return position(wal_term(log, log.length), log.length); }

// Where two histories part, told by promotions alone, as an agent can tell it. Content is never looked at.
inline int next_promotion(const Log& log, int from) {
    for (int i = from; i < log.length; i++)
        if (kind_of(log.at[i]) == PROMOTION) return i;
    return WAL_MAX + 1;
}

inline int fork_of(const Log& mine, const Log& theirs) {
    int i = 0;
    for (;;) {
        const int a = next_promotion(mine, i), b = next_promotion(theirs, i);
        if (a > WAL_MAX && b > WAL_MAX) return mine.length;  // the same timeline
        if (a != b || mine.at[a] != theirs.at[b]) {
            const int mine_ends = a > WAL_MAX ? mine.length : a;
            return mine_ends < b ? mine_ends : b;
        }
        i = a + 1;
    }
}

inline bool history_is_prefix(const Log& mine, const Log& theirs) { return fork_of(mine, theirs) == mine.length; }

// ---- servers -------------------------------------------------------------------------------------------------------

enum Process : u8 { DOWN = 0, RECOVERY = 1, PRIMARY = 2, LOST = 3 };  // LOST: dead for good

struct Upstream {
    u8 target;  // 0 blank, else 1 + node
    u8 name;    // the term that the name carries, or BARE
};
inline bool operator==(const Upstream& a, const Upstream& b) { return a.target == b.target && a.name == b.name; }
inline bool operator!=(const Upstream& a, const Upstream& b) { return !(a == b); }

enum ReceiverState : u8 { NONE = 0, CONNECTING = 1, STREAMING = 2 };

struct Receiver {
    u8 state;
    u8 target;  // as configured, 1 + node
    u8 at;      // which server it reached, 1 + node
    u8 name;
};

struct Walsender {
    u16 view;     // the setting that this process has read
    u8 name;      // 0: none
    u8 flush;     // what the primary knows
    u8 inflight;  // what the standby has sent and nobody has read yet
    u8 pad;
};

struct Report {
    u32 basis;
    u8 term;      // 0: not asked
    u8 position;  // 0: promised, not reported
    u8 stopped;   // it is the holder, stopped for good
    u8 id;
};

enum SwapKind : u8 { NO_SWAP, WIN, RAISE_TERM, ADMIT, TIGHTEN, LOWER_K, RENEW, RELEASE, TAKE_BACK, CREATE, REPLACE };

struct Swap {
    u32 basis;
    u8 kind;
    u8 orphan;  // timed out, or its agent died: it can land until any other swap does
    u8 term;
    u8 voters;
    u8 k;
    u8 position;
    u8 sender_id, voter_id;  // which directories they were when it was sent
};

struct Tightening {
    u8 stage;  // 0 none, 1 set in PostgreSQL, 2 LIVE, 3 swap sent
    u8 voters;
    u8 k;
    u8 lsn;
    u8 replaced;  // 1 + node: a lost disk's place is to pass to the new one
    u8 pad[3];
};

struct Node {
    Log log;
    Walsender walsender[NODES];
    u16 setting;
    u8 flushed;
    u8 process;
    u8 promise;
    u8 known;     // generation and term of the newest record it remembers
    u8 known_holder;  // 1 + node
    u8 followed;  // the highest term whose primary it followed after PREFIX
    Upstream conf, view;
    Receiver receiver;
    u8 floor;
    u8 id;
    u8 term;     // which term a running primary's names carry
    u8 defined;  // the checkpointer has switched waiting on
    u8 barrier;  // up to where k voters must have flushed before it serves
    u8 began;    // its log's length when it began as a primary: clients wait only for what is written later
    u8 serving;
    u8 unfit;    // can start in recovery only
    u8 pad[2];
    Report report;
    Swap swap;
    Tightening tightening;
};

struct Record {
    u8 term, holder, holder_id, voters, voter_ids, k, generation;
    u8 released, handover;
    u8 won_at;                  // what the winner reported
    u8 entry_term, entry_node;  // the newest promotion
    u8 spent, spent_ids;        // who was dropped in this term
};

// How often each of these may still happen.
struct Budget {
    u8 writes = 0, crashes = 0, breaks = 0, losses = 0, wipes = 0, timeouts = 0;
    u8 agents = 0, changes = 0, unfits = 0, empties = 0, backs = 0, doors = 0, returns = 0;
};

// A disk that was taken for lost, or the one that stood in for it meanwhile.
struct Disk {
    Log log;
    u8 promise, followed, floor, id;
    u8 of;           // 1 + node; 0: there is none
    u8 record_term;  // of the record that lies on the lost one
    u8 pad[2];
};

struct State {
    Node node[NODES];
    Record record, backup;  // and the copy to which the store may be put back
    Budget left;
    Log acked;  // what some client was told, or could read, and so must never be missing
    Disk aside;
    u8 wiped;
    u8 lost, back;  // the store has no record; or has an old one
};

static_assert(sizeof(State) % 4 == 0, "a state is hashed in words");
static_assert(std::has_unique_object_representations_v<State>, "no byte of a state is without a meaning");

inline u8 age_of(const Record& r) { return u8(r.generation << 4 | r.term); }

// What promises and reports are counted for (SAME RECORD).
inline u32 basis_of(const Record& r) {
    return r.term | r.holder << 3 | r.holder_id << 5 | r.voters << 6 | r.voter_ids << 9 | r.k << 12 | r.generation << 14;
}

// ---- symmetry ------------------------------------------------------------------------------------------------------

// The servers are alike, so states that differ by their names only are one state. The holder becomes the first; what is
// left is which of the other two comes next. By holder, and then by that: who is renamed to what.
constexpr u8 RENAMINGS[NODES][2][NODES] = {{{0, 1, 2}, {0, 2, 1}}, {{1, 0, 2}, {2, 0, 1}}, {{1, 2, 0}, {2, 1, 0}}};

inline int rename_mask(int mask, const u8* to) {
    return (mask & 1) << to[0] | (mask >> 1 & 1) << to[1] | (mask >> 2 & 1) << to[2];
}

inline void rename_log(Log& log, const u8* to) {
    for (int i = 0; i < log.length; i++) {
        const u8 s = log.at[i];
        if (kind_of(s) == PROMOTION) log.at[i] = symbol(PROMOTION, term_of(s), to[node_of(s)]);
    }
}

inline u16 rename_setting(u16 s, const u8* to) {
    return s == EMPTY ? EMPTY : setting(setting_k(s), rename_mask(setting_mask(s), to), setting_term(s));
}

inline u32 rename_basis(u32 basis, const u8* to) {
    if (basis == 0) return 0;
    const u32 kept = basis & ~(3u << 3 | 7u << 6 | 7u << 9);
    return kept | u32(to[basis >> 3 & 3]) << 3 | u32(rename_mask(basis >> 6 & 7, to)) << 6 |
           u32(rename_mask(basis >> 9 & 7, to)) << 9;
}

inline u8 rename_node(u8 one_based, const u8* to) { return one_based ? u8(1 + to[one_based - 1]) : u8(0); }

inline void rename_record(Record& r, const u8* to) {
    r.holder = to[r.holder];
    r.voters = u8(rename_mask(r.voters, to));
    r.voter_ids = u8(rename_mask(r.voter_ids, to));
    r.entry_node = to[r.entry_node];
    r.spent = u8(rename_mask(r.spent, to));
    r.spent_ids = u8(rename_mask(r.spent_ids, to));
}

inline void renamed(const State& from, const u8* to, State& into) {
    into = from;
    for (int i = 0; i < NODES; i++) {
        Node& n = into.node[to[i]];
        n = from.node[i];
        rename_log(n.log, to);
        for (int j = 0; j < NODES; j++) {
            n.walsender[to[j]] = from.node[i].walsender[j];
            n.walsender[to[j]].view = rename_setting(n.walsender[to[j]].view, to);
        }
        n.setting = rename_setting(n.setting, to);
        n.conf.target = rename_node(n.conf.target, to);
        n.known_holder = rename_node(n.known_holder, to);
        n.view.target = rename_node(n.view.target, to);
        n.receiver.target = rename_node(n.receiver.target, to);
        n.receiver.at = rename_node(n.receiver.at, to);
        n.report.basis = rename_basis(n.report.basis, to);
        n.swap.basis = rename_basis(n.swap.basis, to);
        n.swap.voters = u8(rename_mask(n.swap.voters, to));
        n.tightening.voters = u8(rename_mask(n.tightening.voters, to));
        n.tightening.replaced = rename_node(n.tightening.replaced, to);
    }
    rename_record(into.record, to);
    rename_record(into.backup, to);
    rename_log(into.acked, to);
    rename_log(into.aside.log, to);
    into.aside.of = rename_node(into.aside.of, to);
}

inline u64 hash_of(const State& s) {
    const u32* words = reinterpret_cast<const u32*>(&s);
    u64 a = 0x9e3779b97f4a7c15ull, b = 0xc2b2ae3d27d4eb4full;
    for (size_t i = 0; i < sizeof(State) / 4; i++) {
        a = (a ^ words[i]) * 0xff51afd7ed558ccdull;
        a ^= a >> 32;
        b = (b + words[i]) * 0x9fb21c651e98df25ull;
        b ^= b >> 29;
    }
    const u64 h = a ^ (b * 0x2545f4914f6cdd1dull);
    return h ? h : 1;
}

inline u64 fingerprint(const State& s) {
    State other;
    renamed(s, RENAMINGS[s.record.holder][0], other);
    const u64 one = hash_of(other);
    renamed(s, RENAMINGS[s.record.holder][1], other);
    const u64 two = hash_of(other);
    return one < two ? one : two;
}
