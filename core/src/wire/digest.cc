#include "wire/digest.h"

#include <algorithm>
#include <cassert>

#include "base/short_bytes.h"
#include "wire/ripemd.h"

namespace aero::wire {

namespace {

constexpr unsigned lanes_max = 16;

// Message, padding and length in one block. REQUIRES: set, type byte and value fit `ripemd_message_max`
inline void fill_block(uint8_t* block, const key_view& key) noexcept {
    std::memset(block, 0, ripemd_block_size);
    copy_short_bytes(block, reinterpret_cast<const uint8_t*>(key.set.data()), key.set.size());
    uint8_t* at = block + key.set.size();
    *at++ = static_cast<uint8_t>(key.type);
    copy_short_bytes(at, key.value.data(), key.value.size());
    at += key.value.size();
    *at = 0x80;
    store_le(block + 56, static_cast<uint64_t>(at - block) * 8);
}

bool fits_block(const key_view& key) noexcept {
    // Each is looked at by itself, so that no sum can wrap.
    return key.set.size() < ripemd_message_max && key.value.size() < ripemd_message_max &&
           key.set.size() + 1 + key.value.size() <= ripemd_message_max;
}

void store_state(const ripemd_state& state, digest& to) noexcept {
    for (unsigned i = 0; i < 5; ++i) store_le(to.data() + i * 4, state[i]);
}

// A message given in pieces, of any length.
class long_message {
  public:
    void add(byte_view bytes) noexcept {
        total_ += bytes.size();
        while (!bytes.empty()) {
            const size_t taken = std::min(bytes.size(), ripemd_block_size - filled_);
            std::memcpy(block_ + filled_, bytes.data(), taken);
            filled_ += taken;
            bytes = bytes.subspan(taken);
            if (filled_ == ripemd_block_size) fold();
        }
    }
    void finish(digest& to) noexcept {
        block_[filled_++] = 0x80;
        if (filled_ > ripemd_message_max + 1) {
            std::memset(block_ + filled_, 0, ripemd_block_size - filled_);
            fold();
        }
        std::memset(block_ + filled_, 0, ripemd_block_size - filled_);
        store_le(block_ + 56, static_cast<uint64_t>(total_) * 8);
        fold();
        store_state(state_, to);
    }

  private:
    void fold() noexcept {
        ripemd_compress(state_, block_);
        filled_ = 0;
    }

    ripemd_state state_ = {ripemd_start[0], ripemd_start[1], ripemd_start[2], ripemd_start[3], ripemd_start[4]};
    size_t filled_ = 0;
    size_t total_ = 0;
    uint8_t block_[ripemd_block_size];
};

void hash_long(const key_view& key, digest& to) noexcept {
    const auto type = static_cast<uint8_t>(key.type);
    long_message message;
    message.add(as_bytes(key.set));
    message.add({&type, 1});
    message.add(key.value);
    message.finish(to);
}

void hash_block(const uint8_t* block, digest& to) noexcept {
    ripemd_state state = {ripemd_start[0], ripemd_start[1], ripemd_start[2], ripemd_start[3], ripemd_start[4]};
    ripemd_compress(state, block);
    store_state(state, to);
}

ripemd_kernel* kernel_of(unsigned lanes) noexcept {
    switch (lanes) {
        case 4: return ripemd_x4;
#if defined(__x86_64__)
        case 8: return __builtin_cpu_supports("avx2") ? ripemd_x8 : nullptr;
        case 16: return __builtin_cpu_supports("avx512f") ? ripemd_x16 : nullptr;
#endif
        default: return nullptr;
    }
}

unsigned widest() noexcept {
    for (unsigned lanes = lanes_max; lanes > 1; lanes /= 2) {
        if (kernel_of(lanes) != nullptr) return lanes;
    }
    return 1;
}

// Fast path: blocks are collected until the lanes are full; whoever does not fit one block goes the general way at
// once.
void hash_in_lanes(std::span<const key_view> keys, std::span<digest> to, unsigned lanes,
                   ripemd_kernel* kernel) noexcept {
    alignas(64) uint8_t blocks[lanes_max * ripemd_block_size];
    uint8_t digests[lanes_max * digest_size];
    digest* targets[lanes_max];
    unsigned filled = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
        if (!fits_block(keys[i])) {
            hash_long(keys[i], to[i]);
            continue;
        }
        fill_block(blocks + filled * ripemd_block_size, keys[i]);
        targets[filled++] = &to[i];
        if (filled < lanes) continue;
        kernel(blocks, digests);
        for (unsigned lane = 0; lane < lanes; ++lane) {
            std::memcpy(targets[lane]->data(), digests + lane * digest_size, digest_size);
        }
        filled = 0;
    }
    if (filled > 2) {  // three scalar hashes cost about as much as all lanes
        std::memset(blocks + filled * ripemd_block_size, 0, (lanes - filled) * ripemd_block_size);
        kernel(blocks, digests);
        for (unsigned lane = 0; lane < filled; ++lane) {
            std::memcpy(targets[lane]->data(), digests + lane * digest_size, digest_size);
        }
        return;
    }
    for (unsigned lane = 0; lane < filled; ++lane) hash_block(blocks + lane * ripemd_block_size, *targets[lane]);
}

}  // namespace

digest digest_of(const key_view& key) noexcept {
    digest hashed;
    if (fits_block(key)) {
        alignas(64) uint8_t block[ripemd_block_size];
        fill_block(block, key);
        hash_block(block, hashed);
    } else {
        hash_long(key, hashed);
    }
    return hashed;
}

void digests_of(std::span<const key_view> keys, std::span<digest> to, unsigned lanes) noexcept {
    assert(keys.size() == to.size());
    if (ripemd_kernel* kernel = kernel_of(lanes)) return hash_in_lanes(keys, to, lanes, kernel);
    for (size_t i = 0; i < keys.size(); ++i) to[i] = digest_of(keys[i]);
}

void digests_of(std::span<const key_view> keys, std::span<digest> to) noexcept { digests_of(keys, to, digest_lanes()); }

unsigned digest_lanes() noexcept {
    static const unsigned lanes = widest();
    return lanes;
}

}  // namespace aero::wire
