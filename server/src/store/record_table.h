// The records of one partition by digest: open addressing with linear probing, at most 3/4 full. Owns its records.
// Guarded by the partition's lock. Digests are hashes already, so their bytes choose the slot.
#pragma once

#include <cassert>
#include <utility>
#include <vector>

#include "store/record.h"

namespace aero_server {

class record_table {
  public:
    record_table() = default;
    record_table(const record_table&) = delete;
    record_table& operator=(const record_table&) = delete;
    ~record_table() { clear(); }

    size_t size() const noexcept { return count_; }
    record* find(const aero::wire::digest& key) const noexcept;
    // Puts `made` in the place of the record of the same digest, which is freed, or adds it.
    void put(record_ptr made);
    bool erase(const aero::wire::digest& key) noexcept;
    void clear() noexcept;
    template <class Visit>
    void each(Visit&& visit) const {
        for (const slot& s : slots_)
            if (s.held != nullptr) visit(*s.held);
    }
    // Erases every record for which `doomed` says so.
    template <class Doomed>
    void erase_if(Doomed&& doomed) {
        std::vector<aero::wire::digest> gone;
        each([&](const record& r) {
            if (doomed(r)) gone.push_back(r.key);
        });
        for (const auto& key : gone) erase(key);
    }
    // Bring what a lookup will touch into the cache, one step ahead of another: the slot, then the record.
    void prefetch_slot(const aero::wire::digest& key) const noexcept {
        if (!slots_.empty()) __builtin_prefetch(&slots_[home_of(tag_of(key))]);
    }
    void prefetch_record(const aero::wire::digest& key) const noexcept;

  private:
    struct slot {
        uint64_t tag = 0;
        record* held = nullptr;
    };
    // The first two bytes name the partition and are alike for all its records.
    static uint64_t tag_of(const aero::wire::digest& key) noexcept { return aero::load_le<uint64_t>(key.data() + 4); }
    size_t home_of(uint64_t tag) const noexcept { return tag & (slots_.size() - 1); }
    size_t next(size_t at) const noexcept { return (at + 1) & (slots_.size() - 1); }
    size_t locate(const aero::wire::digest& key) const noexcept;  // its slot, or the free one where it would stand
    void grow();

    std::vector<slot> slots_;  // a power of two, or none
    size_t count_ = 0;
};

}  // namespace aero_server
