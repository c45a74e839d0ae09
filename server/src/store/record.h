// One record in memory: a single block that holds the metadata, the stored key and the bins.
//
//     | metadata | stored key (type byte, value) | bins, each as a finished READ operation of the wire |
//
// Bins are kept in the form a read-all sends, so that answering one is a copy. A block is never edited in place but for
// its times; a write makes a new block. Guarded by the lock of the partition that holds it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/bytes.h"
#include "wire/digest.h"

namespace aero_server {

struct set_info;

struct record {
    aero::wire::digest key{};
    uint16_t generation = 0;
    uint16_t bin_count = 0;
    uint32_t void_time = 0;  // seconds since 2010; 0: never expires
    uint32_t stored_key_size = 0;
    uint32_t bins_size = 0;
    uint64_t last_update_ms = 0;  // since 2010
    set_info* set = nullptr;      // null: in no set; owned by the store

    uint8_t* data() noexcept { return reinterpret_cast<uint8_t*>(this + 1); }
    const uint8_t* data() const noexcept { return reinterpret_cast<const uint8_t*>(this + 1); }
    aero::byte_view stored_key() const noexcept { return {data(), stored_key_size}; }
    aero::byte_view bins() const noexcept { return {data() + stored_key_size, bins_size}; }
    size_t memory() const noexcept { return sizeof(record) + stored_key_size + bins_size; }
};

struct record_free {
    void operator()(record* r) const noexcept { std::free(r); }
};
using record_ptr = std::unique_ptr<record, record_free>;

// A block with room for the key and the bins, neither filled in.
inline record_ptr make_record(const aero::wire::digest& key, size_t stored_key_size, size_t bins_size) {
    void* memory = std::malloc(sizeof(record) + stored_key_size + bins_size);
    if (memory == nullptr) throw std::bad_alloc();
    record_ptr made(new (memory) record);
    made->key = key;
    made->stored_key_size = static_cast<uint32_t>(stored_key_size);
    made->bins_size = static_cast<uint32_t>(bins_size);
    return made;
}

// The generation that follows; 16 bits wide, 0 is left out.
constexpr uint16_t next_generation(uint16_t generation) noexcept {
    return generation == 0xFFFF ? uint16_t{1} : static_cast<uint16_t>(generation + 1);
}

}  // namespace aero_server
