// How a call asks a second replica when the first is slow. The first whole answer ends it; an attempt that fails beside
// another one is not made again.
#include <algorithm>

#include "command/call.h"
#include "metrics/counters.h"

namespace aero::command {

void call::hedge_later(cluster::hedging& by, nanos now) noexcept {
    if (hedged_) return;
    if (times_.attempts == 0) by.read_begins();
    hedge_at_ = now + by.delay();
}

std::unique_ptr<attempt> call::second_attempt(const attempt&, const part&, const cluster::view&, nanos) {
    return nullptr;
}

// The time of the first is over. One that has failed meanwhile is made again anyhow.
void call::hedge(const cluster::view& seen, nanos now) {
    hedge_at_ = never;
    seen.hedging->observe(false);
    if (in_flight_.size() != 1 || !launches_.empty()) return;
    attempt& first = *in_flight_.front();
    part which = part_of(first);
    which.asked.add(first.target());
    std::unique_ptr<attempt> second = second_attempt(first, which, seen, now);
    if (second == nullptr || !seen.hedging->admit()) return;
    second->is_hedge = hedged_ = true;
    launch(std::move(second), which, now, 2);
}

bool call::rival_goes_on(const part& of) noexcept {
    hedge_at_ = never;
    if (!hedged_) return false;
    attempt* rival = !in_flight_.empty() ? in_flight_.front() : !launches_.empty() ? launches_.front().get() : nullptr;
    if (rival == nullptr) return false;
    rival->asked.add(of.target);
    return true;
}

void call::let_go_of_rivals(const attempt& winner) noexcept {
    if (winner.is_hedge) metrics::count(metrics::event::hedge_won);
    launches_.clear();
    while (!in_flight_.empty()) {
        attempt& loser = *in_flight_.back();
        take_notes(loser);
        // The round trip began with the first byte of either.
        if (loser.sent_any()) times_.sent = std::min(times_.sent, loser.first_sent_at);
        let_go(loser);
    }
}

}  // namespace aero::command
