// Where observations are kept: one shard per living thread, and the names of the series they count.
//
// A shard is written by the thread that holds it and read by anybody. When the thread ends its shard is kept with all
// it counted and handed to the next thread that starts, so there are never more shards than threads lived at once.
// Series and operations are numbered once for the whole process; the numbers index the cells of every shard. Nothing
// here is ever freed: threads may outlive static objects.
#pragma once

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "aero/error.h"
#include "metrics/histogram.h"

namespace aero::metrics {

inline constexpr size_t series_max = 10'000;         // one more counts what does not fit
inline constexpr size_t label_bytes_max = 128;       // longer label values are cut
inline constexpr size_t staged_operations_max = 64;  // names of operations with stages, the last one is `other`
inline constexpr size_t stage_count = static_cast<size_t>(stage::count_);

struct series {
    std::string operation;
    std::string name_space;
    std::string set;
    std::string error_kind;

    bool operator==(const series&) const = default;
};

// What identifies a series at the call; `name` is compared by address.
struct series_query {
    const char* name;
    std::string_view name_space;
    std::string_view set;
    std::string_view error_kind;
};

class shard {
  public:
    void observe_operation(const series_query& which, int64_t ns) noexcept {
        seen_series& seen = seen_series_[slot_of(which)];
        if (seen.cells == nullptr || !same(seen, which)) [[unlikely]] {
            operation_cells* cells = look_up(which, seen);
            if (cells != nullptr) cells->observe(ns);  // null: no memory left
            return;
        }
        seen.cells->observe(ns);
    }
    void observe_stage(const char* name, stage which, int64_t ns) noexcept {
        seen_operation& seen = seen_operations_[slot_of(name)];
        const auto index = static_cast<size_t>(which);
        stage_cells* cells = seen.name == name ? seen.cells[index] : nullptr;
        if (cells == nullptr) [[unlikely]]
            cells = look_up(name, index, seen);
        if (cells != nullptr) cells->observe(ns);
    }

    // For readers: null when this shard never saw the series.
    const operation_cells* operation(size_t number) const noexcept;
    const stage_cells* stage_of(size_t operation, size_t stage_index) const noexcept {
        return stages_[operation * stage_count + stage_index].load(std::memory_order_acquire);
    }

  private:
    static constexpr size_t chunk_size = 32;
    using chunk = std::array<operation_cells, chunk_size>;
    static constexpr size_t seen_series_count = 128;
    static constexpr size_t seen_operations_count = 32;

    struct seen_series {
        const char* name = nullptr;
        const series* labels = nullptr;
        operation_cells* cells = nullptr;
    };
    struct seen_operation {
        const char* name = nullptr;
        std::array<stage_cells*, stage_count> cells{};
    };

    static bool same(const seen_series& seen, const series_query& which) noexcept {
        return seen.name == which.name && equal(seen.labels->set, which.set) &&
               equal(seen.labels->name_space, which.name_space) && equal(seen.labels->error_kind, which.error_kind);
    }
    // Names are short: up to 16 bytes both functions read them as two words that may overlap, without a call.
    struct words {
        uint64_t front, back;
    };
    static words short_words(const char* at, size_t size) noexcept {
        if (size >= 8) return {load<uint64_t>(at), load<uint64_t>(at + size - 8)};
        if (size >= 4) return {load<uint32_t>(at), load<uint32_t>(at + size - 4)};
        if (size == 0) return {0, 0};
        return {static_cast<uint8_t>(at[0]) | static_cast<uint64_t>(static_cast<uint8_t>(at[size / 2])) << 8,
                static_cast<uint8_t>(at[size - 1])};
    }
    static bool equal(std::string_view left, std::string_view right) noexcept {
        if (left.size() != right.size()) return false;
        if (left.size() > 16) return std::memcmp(left.data(), right.data(), left.size()) == 0;
        const words a = short_words(left.data(), left.size());
        const words b = short_words(right.data(), right.size());
        return ((a.front ^ b.front) | (a.back ^ b.back)) == 0;
    }
    static uint64_t mixed(uint64_t hash, uint64_t word) noexcept {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        return hash ^ (hash >> 29);
    }
    static uint64_t mixed(uint64_t hash, std::string_view text) noexcept {
        const char* at = text.data();
        size_t left = text.size();
        for (; left > 16; left -= 8, at += 8) hash = mixed(hash, load<uint64_t>(at));
        const words rest = short_words(at, left);
        return mixed(hash, rest.front + rest.back * 0xC2B2AE3D27D4EB4Fu + left);
    }
    template <class Integer>
    static Integer load(const char* from) noexcept {
        Integer value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
    static size_t slot_of(const series_query& which) noexcept {
        uint64_t hash = mixed(reinterpret_cast<uintptr_t>(which.name), which.set);
        hash = mixed(hash, which.name_space);
        if (!which.error_kind.empty()) hash = mixed(hash, which.error_kind);
        return static_cast<size_t>(hash >> 32) % seen_series_count;
    }
    static size_t slot_of(const char* name) noexcept {
        return static_cast<size_t>(mixed(0, reinterpret_cast<uintptr_t>(name)) >> 32) % seen_operations_count;
    }

    operation_cells* look_up(const series_query& which, seen_series& seen) noexcept;
    stage_cells* look_up(const char* name, size_t stage_index, seen_operation& seen) noexcept;

    // Written by the owner only; the pointers are read by everybody.
    std::array<std::atomic<chunk*>, series_max / chunk_size + 1> chunks_{};
    std::array<std::atomic<stage_cells*>, staged_operations_max * stage_count> stages_{};
    // The owner's memory of where it counted last.
    std::array<seen_series, seen_series_count> seen_series_{};
    std::array<seen_operation, seen_operations_count> seen_operations_{};
};

class registry {
  public:
    static registry& instance() noexcept;

    shard* adopt();  // for the calling thread, until it gives it back
    void give_back(shard* held) noexcept;

    struct numbered {
        uint32_t number;
        const series* labels;
    };
    numbered number_of(const series_query& which);
    size_t staged_operation(const char* name);

    // Copies of what readers walk over; the pointers stay valid for ever.
    struct contents {
        std::vector<const shard*> shards;
        std::vector<const series*> all_series;       // by number
        std::vector<std::string> staged_operations;  // by number
    };
    contents snapshot() const;

  private:
    registry();

    mutable std::mutex lock_;
    // Guarded by lock_.
    std::vector<std::unique_ptr<shard>> shards_;
    std::vector<shard*> idle_;
    std::unordered_map<std::string, uint32_t> numbers_;
    std::vector<std::unique_ptr<series>> series_;
    std::vector<std::string> staged_operations_;
};

// The shard of the calling thread, null when there is no memory for one.
shard* shard_of_thread() noexcept;
// While a thread ends, after its shard was given back: counts into a borrowed one.
bool thread_is_ending() noexcept;

}  // namespace aero::metrics
