// A growable run of bytes that is never zeroed: requests are written into it, replies are received into it.
//
// Owned by one holder at a time; moving hands the bytes on. Not safe for threads. Growth doubles, so appending n bytes
// costs O(n); memory that fails to grow throws std::bad_alloc.
//
//     data()            size()            capacity()
//     | bytes in use    | room for more   |
#pragma once

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/short_bytes.h"

namespace aero {

class buffer {
  public:
    buffer() noexcept = default;
    explicit buffer(size_t capacity) { reserve(capacity); }
    buffer(buffer&& other) noexcept { swap(other); }
    buffer& operator=(buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { std::free(data_); }

    uint8_t* data() noexcept { return data_; }
    const uint8_t* data() const noexcept { return data_; }
    size_t size() const noexcept { return size_; }
    size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    byte_view view() const noexcept { return {data_, size_}; }

    void clear() noexcept { size_ = 0; }
    void reserve(size_t wanted) {
        if (wanted > capacity_) grow(wanted);
    }
    // Room for `count` more bytes; what is written there becomes part of the buffer by `commit`.
    uint8_t* room(size_t count) {
        if (capacity_ - size_ < count) grow(size_ + count);
        return data_ + size_;
    }
    byte_span free_space() noexcept { return {data_ + size_, capacity_ - size_}; }
    // REQUIRES: count <= capacity() - size()
    void commit(size_t count) noexcept {
        assert(count <= capacity_ - size_);
        size_ += count;
    }
    // REQUIRES: size <= capacity(); bytes beyond the old size are whatever was there
    void resize(size_t size) noexcept {
        assert(size <= capacity_);
        size_ = size;
    }
    void append(byte_view bytes) {
        if (bytes.empty()) return;
        copy_bytes(room(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    void append(std::string_view text) { append(as_bytes(text)); }
    template <class Integer>
    void append_be(Integer value) {
        store_be(room(sizeof value), value);
        size_ += sizeof value;
    }
    template <class Integer>
    void append_le(Integer value) {
        store_le(room(sizeof value), value);
        size_ += sizeof value;
    }
    void append_u8(unsigned value) { append_be(static_cast<uint8_t>(value)); }
    // Drops the first `count` bytes. REQUIRES: count <= size()
    void consume(size_t count) noexcept {
        assert(count <= size_);
        if (count != size_) std::memmove(data_, data_ + count, size_ - count);
        size_ -= count;
    }
    // Hands the memory over; the holder frees it with std::free or gives it back by `adopt`.
    uint8_t* release() noexcept {
        size_ = capacity_ = 0;
        return std::exchange(data_, nullptr);
    }
    static buffer adopt(uint8_t* data, size_t size, size_t capacity) noexcept {
        buffer made;
        made.data_ = data;
        made.size_ = size;
        made.capacity_ = capacity;
        return made;
    }
    // At least this capacity and, when it must grow, exactly this: for large buffers that grow in known steps.
    void reserve_exactly(size_t capacity) {
        if (capacity > capacity_) reallocate(capacity);
    }
    void swap(buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

  private:
    void grow(size_t wanted) {
        size_t capacity = capacity_ < 32 ? 64 : capacity_ * 2;
        reallocate(capacity < wanted ? wanted : capacity);
    }
    void reallocate(size_t capacity) {
        void* moved = std::realloc(data_, capacity);
        if (moved == nullptr) throw std::bad_alloc();
        data_ = static_cast<uint8_t*>(moved);
        capacity_ = capacity;
    }

    uint8_t* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

}  // namespace aero
