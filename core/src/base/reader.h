// A cursor over bytes from the network. Every read is checked; a read past the end fails the cursor once and for all,
// so a decoder may read a whole structure and look at `ok()` at its end.
#pragma once

#include "base/bytes.h"

namespace aero {

class reader {
  public:
    explicit reader(byte_view bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    bool ok() const noexcept { return !failed_; }
    bool at_end() const noexcept { return at_ == end_; }
    size_t remaining() const noexcept { return static_cast<size_t>(end_ - at_); }
    const uint8_t* position() const noexcept { return at_; }
    void fail() noexcept {
        failed_ = true;
        at_ = end_;
    }
    // Goes on at `next`, which the caller has checked. REQUIRES: position() <= next <= position() + remaining()
    void go_on_at(const uint8_t* next) noexcept { at_ = next; }

    template <class Integer>
    Integer be() noexcept {
        if (remaining() < sizeof(Integer)) return fail(), Integer{};
        Integer value = load_be<Integer>(at_);
        at_ += sizeof(Integer);
        return value;
    }
    uint8_t u8() noexcept { return be<uint8_t>(); }
    byte_view take(size_t count) noexcept {
        if (remaining() < count) return fail(), byte_view{};
        byte_view taken{at_, count};
        at_ += count;
        return taken;
    }
    std::string_view text(size_t count) noexcept { return as_text(take(count)); }

  private:
    const uint8_t* at_;
    const uint8_t* end_;
    bool failed_ = false;
};

}  // namespace aero
