#include "metrics/totals.h"

namespace aero::metrics {

namespace {

uint64_t value_of(const cell& which) noexcept { return which.load(std::memory_order_relaxed); }

void lower(uint64_t& value, uint64_t by) noexcept { value = value < by ? 0 : value - by; }

template <class Totals, class Cells>
void add_buckets(Totals& to, const Cells& from) noexcept {
    for (size_t i = 0; i < to.buckets.size(); ++i) {
        const uint64_t here = value_of(from.buckets[i]);
        to.buckets[i] += here;
        to.count += here;
    }
    to.sum_ns += value_of(from.sum_ns);
}

}  // namespace

void stage_totals::subtract(const stage_totals& earlier) noexcept {
    count = 0;
    for (size_t i = 0; i < buckets.size(); ++i) {
        lower(buckets[i], earlier.buckets[i]);
        count += buckets[i];
    }
    lower(sum_ns, earlier.sum_ns);
    for (size_t i = 0; i < fine.size(); ++i) lower(fine[i], earlier.fine[i]);
}

operation_totals operation_totals_of(const std::vector<const shard*>& shards, size_t number) noexcept {
    operation_totals totals;
    for (const shard* each : shards) {
        if (const operation_cells* cells = each->operation(number); cells != nullptr) add_buckets(totals, *cells);
    }
    return totals;
}

stage_totals stage_totals_of(const std::vector<const shard*>& shards, size_t operation, size_t stage_index) noexcept {
    stage_totals totals;
    for (const shard* each : shards) {
        const stage_cells* cells = each->stage_of(operation, stage_index);
        if (cells == nullptr) continue;
        add_buckets(totals, *cells);
        for (size_t i = 0; i < totals.fine.size(); ++i) totals.fine[i] += value_of(cells->fine[i]);
    }
    return totals;
}

}  // namespace aero::metrics
