// Compressed frames (type 4): one whole record message, wrapped.
//
//     | version | 4 | body length (48 bits) | size of the frame inside (64 bits) | zlib stream ... |
//     `------------- 8 bytes ---------------'`------------------------ body --------------------'
//
// Pure functions on bytes; one thread at a time. Nothing that a peer announces is believed: memory grows by what was
// inflated, never by what was promised, and what comes out must be one record message of exactly the promised size.
// Builds without zlib have none of it and say so by `can_compress`.
#pragma once

#include <memory>
#include <optional>

#include "wire/message.h"

namespace aero::wire {

// A frame is sent compressed only when it is larger than this.
inline constexpr size_t compress_above = 128;

bool can_compress() noexcept;

// The frame as one of type 4; nothing when that would not be smaller. REQUIRES: can_compress(), one whole frame
std::optional<buffer> compress_frame(byte_view frame);
// Does so to the frame that begins at `start` and ends the buffer.
void compress_from(buffer& to, size_t start);

// Makes plain frames of a stream in which some are compressed, whatever pieces it arrives in.
class unpacker {
  public:
    unpacker() noexcept;
    ~unpacker();
    unpacker(unpacker&&) noexcept;
    unpacker& operator=(unpacker&&) noexcept;

    // Appends what the bytes hold: plain frames as they are, compressed ones inflated, both as far as they have come.
    // False when the bytes are not allowed; nothing may be fed after that. REQUIRES: can_compress(), and of a frame
    // that has not ended all that was appended still ends the buffer
    bool feed(byte_view bytes, buffer& to);
    // Bytes at the end of what was appended whose stream goes on: it may still turn out to be damaged.
    size_t unproven() const noexcept;
    // Everything that began has ended.
    bool between_frames() const noexcept { return head_size_ == 0; }

  private:
    struct inflation;
    bool read_head(byte_view& bytes, buffer& to);
    bool inflate_some(byte_view bytes, buffer& to);

    static constexpr size_t head_size_max = frame_header_size + sizeof(uint64_t);

    uint8_t head_[head_size_max];     // of the frame under way: with a compressed one, the announced size too
    size_t head_size_ = 0;            // bytes of it that have come
    size_t left_ = 0;                 // of the frame's body, still to come
    bool compressed_ = false;         // the frame under way is
    std::unique_ptr<inflation> how_;  // once a compressed frame came
};

}  // namespace aero::wire
