// The exhaustive small model of the safety protocol.
//
//   model bounds [quick]      search every bound with all guards in place
//   model removals [quick]    take each guard out, and see that this shows; TRACES=1 tells the shortest way to it
//   model controls            the worlds of the removals with all guards in place
//   model bound NAME          one bound
//   model removal NUMBER      one removal, with its trace
#include <cstdlib>
#include <memory>

#include "bounds.hpp"
#include "search.hpp"

namespace {

constexpr u64 STATES_MAX = 30'000'000;

bool search_bound(const Entry& entry) {
    Search search(entry.bound, Guards{}, STATES_MAX);
    const Outcome o = search.run();
    printf("%-30s %9lu states %10lu steps, depth %2lu, %s, %5.1f s: ", entry.bound.name, (unsigned long)o.states,
           (unsigned long)o.edges, (unsigned long)o.depth, o.complete ? "complete" : "CUT OFF", o.seconds);
    if (o.broken) printf("BROKEN: %s\n", o.broken);
    else if (o.stuck) printf("STUCK: %lu states of %lu\n", (unsigned long)o.stuck, (unsigned long)o.asked);
    else if (entry.bound.liveness) printf("safe; %lu states can all get to serve\n", (unsigned long)o.asked);
    else printf("safe\n");
    if (o.bad()) search.tell(stdout);
    fflush(stdout);
    return !o.bad() && o.complete;
}

// The same world with the guard in place: that the removal is what shows.
bool search_with(size_t number) {
    Bound bound = REMOVALS[number].bound;
    bound.name = GUARD_NAMES[REMOVALS[number].guards[0]];
    return search_bound(Entry{bound, false});
}

bool search_without(size_t number, bool tell) {
    const Removal& removal = REMOVALS[number];
    Guards guards;
    printf("%2lu. without %s", (unsigned long)number, GUARD_NAMES[removal.guards[0]]);
    for (const Guard guard : removal.guards) {
        if (guard == GUARDS) continue;
        if (guard != removal.guards[0]) printf(" and %s", GUARD_NAMES[guard]);
        guards.out[guard] = true;
    }
    if (*removal.note) printf(" (%s)", removal.note);
    Search search(removal.bound, guards, STATES_MAX);
    const Outcome o = search.run();
    const Shows shown = o.broken ? VIOLATION : o.stuck ? STUCK : NOTHING;
    printf(": %s, %lu states, %.1f s%s\n", o.broken ? o.broken : o.stuck ? "stuck for good" : "nothing",
           (unsigned long)o.states, o.seconds, shown == removal.shows ? "" : "  NOT WHAT WAS EXPECTED");
    if (tell && o.bad()) search.tell(stdout);
    fflush(stdout);
    return shown == removal.shows;
}

}  // namespace

int main(int argc, char** argv) {
    const char* const what = argc > 1 ? argv[1] : "bounds";
    const char* const which = argc > 2 ? argv[2] : "";
    const bool quick = !strcmp(which, "quick");
    const bool traces = getenv("TRACES") != nullptr;
    bool fine = true, any = false;
    if (!strcmp(what, "bounds"))
        for (const Entry& entry : BOUNDS)
            if (!quick || entry.quick) fine = search_bound(entry) && fine, any = true;
    if (!strcmp(what, "bound"))
        for (const Entry& entry : BOUNDS)
            if (!strcmp(which, entry.bound.name)) fine = search_bound(entry) && fine, any = true;
    for (size_t i = 0; i < sizeof REMOVALS / sizeof *REMOVALS; i++) {
        const bool one = !strcmp(what, "removal") && atoi(which) == int(i);
        if (!strcmp(what, "controls")) fine = search_with(i) && fine, any = true;
        if (!strcmp(what, "removals") ? !quick || REMOVALS[i].quick : one)
            fine = search_without(i, one || traces) && fine, any = true;
    }
    if (!any) {
        fprintf(stderr, "nothing is called so: model [bounds|removals|controls] [quick], model bound NAME, model removal NUMBER\n");
        return 2;
    }
    return fine ? 0 : 1;
}
