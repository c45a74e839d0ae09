// Counters of events inside the core that are worth a line in a dashboard: retries, merged calls, lost log records.
//
// Process-wide. Threads: every function from any thread; adding is one relaxed addition on a cache line of its own.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aero::metrics {

enum class event : uint8_t {
    attempt_retried,  // an attempt that put bytes on the wire was followed by another
    retry_refused,    // a call that would have been tried again, had the budget for retries not been spent
    attempt_unsent,   // an attempt ended before its first byte was sent, so its repetition is no retry
    call_parked,      // a call, or rows of it, that nobody could serve waits for another view of the cluster
    call_refused,     // a call ended because all slots of max_concurrent_operations stayed taken
    deadline_passed,  // a call ended by its total timeout
    call_cancelled,
    call_merged,        // a call that shared its wire message with others
    call_unmerged,      // a shared message failed as a whole and this call went out again alone
    call_queued,        // an attempt that waited for a connection
    connect_held,       // such an attempt that could have had a new one, had not so many been on their way
    queue_overflow,     // a call refused because the queue for connections was full
    connection_opened,  // those of the tend included
    connection_closed,
    connection_failed,  // a connect that was refused, timed out or was given up
    reply_discarded,    // the reply of a cancelled or late call was read and dropped, and its connection lives on
    bad_reply,          // an answer that is none to its request, or that the protocol does not allow
    batch_resplit,      // rows of a batch were split again by a fresh partition map
    tend_answered,      // a node answered a question of the tend
    tend_failed,        // a node did not
    tend_early,         // nodes were asked before their time because a call failed
    partition_map_changed,
    breaker_opened,       // a node failed so often in a row that reads pass over it
    breaker_closed,       // such a node answered again
    breaker_probed,       // a read was sent to such a node to see
    breaker_avoided,      // a read, or a row of a batch, went to another node because of one
    rack_left,            // such a read, where racks are preferred, went to a node on none of them
    hedge_sent,           // a record was asked of a second replica because the first was slow
    hedge_won,            // the second answered first
    hedge_refused,        // a record would have been asked of a second replica, but for the budget
    concurrency_raised,   // more requests at once may be under way to a node
    concurrency_lowered,  // fewer, because it took long or did not answer
    log_dropped,
    count_,
};

std::string_view name_of(event which) noexcept;  // the label in the exposition, e.g. "attempt_retried"

namespace detail {
struct alignas(64) counter {
    std::atomic<uint64_t> value{0};
};
extern std::array<counter, static_cast<size_t>(event::count_)> counters;
}  // namespace detail

inline void count(event which, uint64_t by = 1) noexcept {
    detail::counters[static_cast<size_t>(which)].value.fetch_add(by, std::memory_order_relaxed);
}
inline uint64_t count_of(event which) noexcept {
    return detail::counters[static_cast<size_t>(which)].value.load(std::memory_order_relaxed);
}

}  // namespace aero::metrics
