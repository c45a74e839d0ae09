// How a call asks other replicas when the first are slow. The first whole answer counts; an attempt that fails beside
// another one for the same work is not made again.
#include <algorithm>
#include <utility>

#include "command/call.h"

namespace aero::command {

void call::hedge_later(const cluster::view& seen, size_t records, nanos now) noexcept {
    if (hedged_) return;
    cluster::hedging& by = hedging_of(seen);
    if (!std::exchange(paid_, true)) by.read_begins(records);
    hedge_at_ = now + by.delay();
}

void call::ask_beside(const attempt&, const part&, const cluster::view&, nanos) {}
bool call::outrun(const attempt&) const noexcept { return false; }
cluster::hedging& call::hedging_of(const cluster::view& seen) const noexcept { return seen.hedging->records; }

// The time of the first is over. What has failed meanwhile is made again anyhow.
void call::hedge(const cluster::view& seen, nanos now) {
    hedge_at_ = never;
    hedging_of(seen).observe(false);
    if (!launches_.empty()) return;
    for (const attempt* first : in_flight_) {
        part which(*first);
        which.asked.add(first->target());
        ask_beside(*first, which, seen, now);
    }
}

cluster::node* call::rival_of(const attempt& first, const cluster::view& seen, uint8_t owner) noexcept {
    cluster::node* const other = owner == cluster::no_node ? nullptr : seen.nodes[owner].get();
    return other != nullptr && other != first.target() && other->good() ? other : nullptr;
}

void call::launch_beside(std::unique_ptr<attempt> ready, const part& of, nanos now) {
    ready->is_hedge = hedged_ = true;
    launch(std::move(ready), of, now, 2);
}

bool call::rival_goes_on(const part& of) noexcept {
    hedge_at_ = never;
    if (!hedged_) return false;
    attempt* rival = !in_flight_.empty() ? in_flight_.front() : !launches_.empty() ? launches_.front().get() : nullptr;
    if (rival == nullptr) return false;
    rival->asked.add(of.target);
    return true;
}

// What they have brought is kept: it may be all that others were too slow for.
void call::let_go_of_outrun() {
    std::erase_if(launches_, [this](const auto& one) { return outrun(*one); });
    for (size_t i = 0; i < in_flight_.size();) {
        attempt& loser = *in_flight_[i];
        if (!outrun(loser)) {
            ++i;
            continue;
        }
        take_notes(loser);
        // The round trip began with the first byte of either.
        if (loser.sent_any()) times_.sent = std::min(times_.sent, loser.first_sent_at);
        let_go(loser);
        part over = part_of(loser);
        salvage(loser, over);
    }
}

}  // namespace aero::command
