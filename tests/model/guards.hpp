// Which guards of the protocol can be taken out, to see what they guard against?
#pragma once

#include <cstring>

enum Guard {
    WAIT_REVOKED, STARTUP_PROOF, PERSISTED, PREFIX, CUT_FIRST, TERM_OF_WAL, BY_TERM, COUNT, V_AFTER_SWAP, FLOOR, OLD_LSN,
    SETTING_FIRST, BARRIER, SWAP_FIRST, NEVER_WITHDRAWN, NAMES, LIVE, TIGHTEN_ORDER, LOOSEN_ORDER, TIGHTEN_BARRIER,
    SETTLE, SAME_RECORD, HOLDER_VOTES, NEVER_EMPTY, LAST_COPY, IDENTITY, RAISE_IN_PLACE, RESUME, LOOSEN_EARLY,
    TAKE_BACK_FIRST, BARE_NAME, LAST_COPY_SOON, LAST_COPY_MUTUAL,
    EVERY_SERVER, CONFIRMED, WENT_BACK, CONFIRM_FOLLOWS, CONFIRM_WHOM,
    REPLACE_ORDER, REPLACE_BARRIER, REPLACE_TERM, SPENT,
    LAST_COPY_VOTERS, ONE_AT_A_TIME, REACH_FLOOR, GUARDS
};

constexpr const char* GUARD_NAMES[GUARDS] = {
    "waiting for the revocation", "STARTUP PROOF", "persisted promises", "PREFIX", "PREFIX after the cut",
    "TERM OF THE WAL", "(term, LSN)", "the count", "V after the swap", "FLOOR", "old primary's LSN",
    "setting before promotion", "barrier", "swap before promotion", "NEVER WITHDRAWN", "names", "LIVE",
    "order of tightening", "order of loosening", "tightening's barrier", "SETTLE", "SAME RECORD",
    "HOLDER VOTES FOR ALL", "NEVER EMPTY", "LAST COPY", "IDENTITY", "raising the own term in place",
    "the holder resumes", "loosening before the barrier", "going back is a swap",
    "a new disk has a bare name",
    "LAST COPY waits also for a voter that does not follow yet", "LAST COPY waits for nobody who waits himself",
    "every server is there for a rebuild", "k confirmations for writing the record again", "a store that went back freezes",
    "a confirmation comes from one who follows", "a confirmation comes from one who follows this primary",
    "a replaced disk counts no more in PostgreSQL", "a new disk flushes a barrier first",
    "a lost disk's place passes on in a new term", "a spent name is admitted in a new term",
    "LAST COPY waits also for who can be admitted", "LAST COPY: one comes back at a time",
    "a voter below its floor streams from the best",
};

struct Guards {
    bool out[GUARDS] = {};
    bool operator[](Guard guard) const { return out[guard]; }
};
