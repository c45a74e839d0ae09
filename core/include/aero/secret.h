// Text that nobody may see: a password, a key. It is never printed, and its memory is wiped before it is given back.
//
// A plain value; each copy wipes its own memory. Views end with the secret they came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace aero {

// Overwrites memory in a way that the compiler must not leave out.
inline void wipe(void* memory, size_t size) noexcept {
    auto* at = static_cast<volatile uint8_t*>(memory);
    while (size-- > 0) *at++ = 0;
}

class secret {
  public:
    secret() noexcept = default;
    explicit secret(std::string_view text) : held_(std::make_unique<char[]>(text.size())), size_(text.size()) {
        text.copy(held_.get(), text.size());
    }
    secret(const secret& other) : secret(other.view()) {}
    secret(secret&& other) noexcept : held_(std::move(other.held_)), size_(std::exchange(other.size_, 0)) {}
    secret& operator=(secret other) noexcept {
        std::swap(held_, other.held_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~secret() { clear(); }

    std::string_view view() const noexcept { return {held_.get(), size_}; }
    bool empty() const noexcept { return size_ == 0; }
    void clear() noexcept {
        wipe(held_.get(), size_);
        held_.reset();
        size_ = 0;
    }

  private:
    std::unique_ptr<char[]> held_;
    size_t size_ = 0;
};

}  // namespace aero
