// Bugs to be found: the simulator is worth what it catches, so its build can be told to misbehave in known ways.
//
// In every other build `planted` is a constant false, and the compiler leaves no trace of it.
#pragma once

#include <cstdint>

namespace aero {

enum class planted_bug : uint8_t {
    none,
    reply_to_another,       // a connection that still owes a reply is given to the next call
    doubt_forgotten,        // a write past its deadline says that it did not happen
    unsent_counted,         // an attempt that sent nothing uses up a retry
    deadline_ignored,       // a thread that waits for a connection forgets how long it may
    row_dropped,            // a batch that is split again loses its last row
    slot_leaked,            // a connect that fails keeps its place among the node's connections
    stale_map,              // a changed partition map is not fetched
    old_address,            // a node that moved is looked for where it was
    completion_repeated,    // a call that is cancelled late is told all the same
    connection_leaked,      // what rests in the pool of a node that is gone stays open
    refusal_doubted,        // an attempt that the server refused leaves doubt
    view_untold,            // who waits for a new view is not told of it
    waits_holding,          // a thread that has connections waits for more
    kept_session,           // a session that a node refused is shown again
    breaker_stuck,          // a node that failed and answers again is passed over for ever
    connects_unlimited,     // any number of connects to a node begin at once
    hedges_unlimited,       // a read asks a second replica whatever the budget says
    writes_hedged,          // a write that is slow is sent to a replica too
    rival_kept,             // a row that two nodes are asked for waits for one of them that has failed
    limit_starves,          // a node whose limit is looked for is asked nothing at all
    certificate_unchecked,  // by TLS anybody may answer
    opened_forgotten,       // of several records that arrive together the first is read, the others when more arrives
    half_record_counts,     // what is sealed counts as sent before its record has gone out
};
inline constexpr unsigned planted_bugs = 23;

#if defined(AERO_SIMULATED)
bool planted(planted_bug which) noexcept;
#else
constexpr bool planted(planted_bug) noexcept { return false; }
#endif

}  // namespace aero
