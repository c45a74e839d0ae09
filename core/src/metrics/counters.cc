#include "metrics/counters.h"

namespace aero::metrics {

namespace detail {
std::array<counter, static_cast<size_t>(event::count_)> counters;
}  // namespace detail

std::string_view name_of(event which) noexcept {
    switch (which) {
        case event::attempt_retried: return "attempt_retried";
        case event::retry_refused: return "retry_refused";
        case event::attempt_unsent: return "attempt_unsent";
        case event::call_parked: return "call_parked";
        case event::call_refused: return "call_refused";
        case event::deadline_passed: return "deadline_passed";
        case event::call_cancelled: return "call_cancelled";
        case event::call_merged: return "call_merged";
        case event::call_unmerged: return "call_unmerged";
        case event::call_queued: return "call_queued";
        case event::connect_held: return "connect_held";
        case event::queue_overflow: return "queue_overflow";
        case event::connection_opened: return "connection_opened";
        case event::connection_closed: return "connection_closed";
        case event::connection_failed: return "connection_failed";
        case event::reply_discarded: return "reply_discarded";
        case event::bad_reply: return "bad_reply";
        case event::batch_resplit: return "batch_resplit";
        case event::tend_answered: return "tend_answered";
        case event::tend_failed: return "tend_failed";
        case event::tend_early: return "tend_early";
        case event::partition_map_changed: return "partition_map_changed";
        case event::breaker_opened: return "breaker_opened";
        case event::breaker_closed: return "breaker_closed";
        case event::breaker_probed: return "breaker_probed";
        case event::breaker_avoided: return "breaker_avoided";
        case event::rack_left: return "rack_left";
        case event::hedge_sent: return "hedge_sent";
        case event::hedge_won: return "hedge_won";
        case event::hedge_refused: return "hedge_refused";
        case event::concurrency_raised: return "concurrency_raised";
        case event::concurrency_lowered: return "concurrency_lowered";
        case event::log_dropped: return "log_dropped";
        case event::count_: break;
    }
    return "unknown";
}

}  // namespace aero::metrics
