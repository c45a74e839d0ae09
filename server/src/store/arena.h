// Memory for values that live as long as one request: handed out in pieces, freed all at once. One holder at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace aero_server {

class arena {
  public:
    uint8_t* take(size_t size) {
        if (size > left_) {
            const size_t block = size > block_size ? size : block_size;
            blocks_.push_back(std::make_unique<uint8_t[]>(block));
            at_ = blocks_.back().get();
            left_ = block;
        }
        uint8_t* taken = at_;
        at_ += size;
        left_ -= size;
        return taken;
    }
    aero::byte_view copy(aero::byte_view bytes) {
        uint8_t* to = take(bytes.size());
        if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
        return {to, bytes.size()};
    }
    // Frees everything; what was handed out is void.
    void reset() noexcept {
        blocks_.clear();
        at_ = nullptr;
        left_ = 0;
    }

  private:
    static constexpr size_t block_size = 4096;

    std::vector<std::unique_ptr<uint8_t[]>> blocks_;
    uint8_t* at_ = nullptr;
    size_t left_ = 0;
};

}  // namespace aero_server
