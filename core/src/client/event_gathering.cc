// How an event client gathers the reads of one tick into messages that share a node.
#include <algorithm>
#include <array>

#include "client/event_state.h"

namespace aero {

using detail::loop_call;
using detail::shared_message;

void event_client::state::end_tick() noexcept {
    if (tick_gets + tick_batches == 0) return;
    const bool busy = tick_gets >= detail::merge_gets_min || tick_batches >= detail::merge_batches_min;
    busy_ticks = static_cast<uint8_t>(busy_ticks << 1 | (busy ? 1 : 0));
    tick_gets = tick_batches = 0;
}

void event_client::state::flush(nanos now) {
    end_tick();
    if (gathered.empty()) return;
    follow_cluster();
    std::vector<loop_call*> ready = std::exchange(gathered, {});
    std::vector<loop_call*> same;
    std::vector<loop_call*> others;
    while (!ready.empty()) {
        same.clear();
        others.clear();
        loop_call& first = *ready.front();
        for (loop_call* one : ready) {
            const bool equal = (one->as_batch() == nullptr) == (first.as_batch() == nullptr) &&
                               one->machine().policy() == first.machine().policy() &&
                               (one->as_batch() == nullptr || one->as_batch()->flags() == first.as_batch()->flags());
            (equal ? same : others).push_back(one);
        }
        if (first.as_batch() != nullptr)
            flush_batches(same, now);
        else
            flush_gets(same, now);
        ready.swap(others);
    }
    process_ended(now);
}

// Gets that share a node go in one message when there are enough of them; the others go as they are.
void event_client::state::flush_gets(std::vector<loop_call*>& gets, nanos now) {
    std::array<uint32_t, 256> per_node{};
    std::vector<uint8_t> node_of(gets.size(), cluster::no_node);
    for (size_t i = 0; i < gets.size(); ++i) {
        const command::record_call& record = *gets[i]->as_record();
        const cluster::namespace_map* map = view->find(record.as_row().name_space);
        if (map == nullptr) continue;
        node_of[i] =
            cluster::route(*map, *view, wire::partition_of(record.record_digest()), record.policy().replica, {}, 0);
        ++per_node[node_of[i]];
    }
    std::vector<loop_call*> together;
    for (size_t i = 0; i < gets.size(); ++i) {
        const bool merged = node_of[i] != cluster::no_node && per_node[node_of[i]] >= detail::merge_gets_min;
        if (merged)
            together.push_back(gets[i]);
        else
            start_alone(*gets[i], now);
    }
    for (size_t at = 0; at < together.size(); at += detail::merge_rows_max) {
        auto message = std::make_unique<shared_message>(core->cluster->config().split_large_batches);
        message->prepare_gets(std::span(together).subspan(at, std::min(detail::merge_rows_max, together.size() - at)));
        start_shared(std::move(message), now);
    }
}

void event_client::state::flush_batches(std::vector<loop_call*>& batches, nanos now) {
    for (size_t at = 0; at < batches.size();) {
        size_t rows = 0, end = at;
        while (end < batches.size() &&
               (end == at || rows + batches[end]->as_batch()->digests().size() <= detail::merge_rows_max))
            rows += batches[end++]->as_batch()->digests().size();
        if (end - at == 1) {
            start_alone(*batches[at], now);
        } else {
            auto message = std::make_unique<shared_message>(core->cluster->config().split_large_batches);
            message->prepare_batches(std::span(batches).subspan(at, end - at));
            start_shared(std::move(message), now);
        }
        at = end;
    }
}

void event_client::state::start_shared(std::unique_ptr<shared_message> ready, nanos now) {
    shared_message& here = *ready;
    messages.push_back(std::move(ready));
    step(here, [&](command::call& it) { it.start(view, now); });
    drive(here, now);
}

}  // namespace aero
