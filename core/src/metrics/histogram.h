// Histograms that one thread writes and any thread reads.
//
// A cell has one writer at a time (the thread that owns the shard), so it is raised by a load and a store instead of a
// locked addition. Readers see each cell whole, and take the number of observations from the buckets, so that a
// histogram always adds up in itself.
//
//     buckets   0 .. bound[0]   ..   bound[n-1] ..       what the exposition shows
//     fine      0 1 2 .. 15 | 16 steps per power of two  what quantiles are taken from, error at most 1/32
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aero::metrics {

using cell = std::atomic<uint64_t>;

inline void raise(cell& which, uint64_t by) noexcept {
    which.store(which.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

// The upper bound of a bucket, inclusive, and how the exposition writes it.
struct bound {
    int64_t ns;
    std::string_view text;
};

inline constexpr std::array<bound, 9> operation_bounds{{{1'000'000, "0.001"},
                                                        {5'000'000, "0.005"},
                                                        {10'000'000, "0.01"},
                                                        {50'000'000, "0.05"},
                                                        {100'000'000, "0.1"},
                                                        {500'000'000, "0.5"},
                                                        {1'000'000'000, "1"},
                                                        {5'000'000'000, "5"},
                                                        {10'000'000'000, "10"}}};

inline constexpr std::array<bound, 15> stage_bounds{{{1'000, "0.000001"},
                                                     {5'000, "0.000005"},
                                                     {10'000, "0.00001"},
                                                     {50'000, "0.00005"},
                                                     {100'000, "0.0001"},
                                                     {500'000, "0.0005"},
                                                     {1'000'000, "0.001"},
                                                     {2'000'000, "0.002"},
                                                     {5'000'000, "0.005"},
                                                     {10'000'000, "0.01"},
                                                     {20'000'000, "0.02"},
                                                     {50'000'000, "0.05"},
                                                     {100'000'000, "0.1"},
                                                     {500'000'000, "0.5"},
                                                     {1'000'000'000, "1"}}};

template <size_t BoundCount>
constexpr size_t bucket_of(const std::array<bound, BoundCount>& bounds, int64_t ns) noexcept {
    size_t index = 0;
    while (index < BoundCount && ns > bounds[index].ns) ++index;
    return index;
}

// The fine scale: steps of 1 ns up to 15, then 16 equal steps in each power of two up to 2^36 ns (69 s).
inline constexpr unsigned fine_first_power = 4;
inline constexpr unsigned fine_last_power = 35;
inline constexpr size_t fine_steps = size_t{1} << fine_first_power;
inline constexpr size_t fine_count = fine_steps * (fine_last_power - fine_first_power + 2);

constexpr size_t fine_index(uint64_t ns) noexcept {
    if (ns < fine_steps) return static_cast<size_t>(ns);
    const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1;
    if (power > fine_last_power) return fine_count - 1;
    const unsigned shift = power - fine_first_power;
    return (shift + 1) * fine_steps + static_cast<size_t>((ns >> shift) & (fine_steps - 1));
}
// The middle of a step, in nanoseconds.
constexpr double fine_middle(size_t index) noexcept {
    if (index < fine_steps) return static_cast<double>(index);
    const size_t shift = index / fine_steps - 1;
    const uint64_t low = (fine_steps + index % fine_steps) << shift;
    return static_cast<double>(low) + (static_cast<double>(uint64_t{1} << shift) - 1) / 2;
}

using fine_counts = std::array<uint64_t, fine_count>;

// The value below which `share` (0..1) of the `total` observations lie; 0 when there are none.
inline double quantile_ns(const fine_counts& counts, uint64_t total, double share) noexcept {
    if (total == 0) return 0;
    const double wanted = std::ceil(share * static_cast<double>(total));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
        seen += counts[i];
        if (static_cast<double>(seen) >= wanted && seen > 0) return fine_middle(i);
    }
    return fine_middle(counts.size() - 1);
}

struct operation_cells {
    std::array<cell, operation_bounds.size() + 1> buckets{};
    cell sum_ns{0};

    void observe(int64_t ns) noexcept {
        raise(buckets[bucket_of(operation_bounds, ns)], 1);
        raise(sum_ns, static_cast<uint64_t>(ns));
    }
};

struct stage_cells {
    std::array<cell, stage_bounds.size() + 1> buckets{};
    cell sum_ns{0};
    std::array<cell, fine_count> fine{};

    void observe(int64_t ns) noexcept {
        raise(buckets[bucket_of(stage_bounds, ns)], 1);
        raise(sum_ns, static_cast<uint64_t>(ns));
        raise(fine[fine_index(static_cast<uint64_t>(ns))], 1);
    }
};

}  // namespace aero::metrics
