// Sums over the shards, for those who read. Plain values owned by the reader.
#pragma once

#include <vector>

#include "metrics/registry.h"

namespace aero::metrics {

struct operation_totals {
    std::array<uint64_t, operation_bounds.size() + 1> buckets{};  // not cumulative
    uint64_t sum_ns = 0;
    uint64_t count = 0;
};

struct stage_totals {
    std::array<uint64_t, stage_bounds.size() + 1> buckets{};  // not cumulative
    uint64_t sum_ns = 0;
    uint64_t count = 0;
    fine_counts fine{};

    // Cells are read one after the other while their owners go on, so a difference can be one short; never negative.
    void subtract(const stage_totals& earlier) noexcept;
};

operation_totals operation_totals_of(const std::vector<const shard*>& shards, size_t number) noexcept;
stage_totals stage_totals_of(const std::vector<const shard*>& shards, size_t operation, size_t stage_index) noexcept;

}  // namespace aero::metrics
