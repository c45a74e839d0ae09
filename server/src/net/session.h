// One client's conversation, without its socket: bytes come in, replies go out, strictly in order, one request at a
// time. Input that was sent ahead waits its turn. Nothing here blocks or reads a clock; one thread.
#pragma once

#include <optional>

#include "base/buffer.h"
#include "secure/doorman.h"
#include "serve/batch.h"

namespace aero_server {

class node;

// A client that does not read is not served on: beyond this many bytes of replies waiting, requests wait too.
inline constexpr size_t output_max = 1u << 20;

class session {
  public:
    explicit session(node& here) : here_(here), doorman_(here) {}

    doorman& at_the_door() noexcept { return doorman_; }

    // Where bytes from the client go: write into `input().room(n)` and `commit`.
    aero::buffer& input() noexcept { return in_; }
    aero::buffer& output() noexcept { return out_; }
    // Room for the next bytes: what the request under way still lacks, within bounds.
    size_t wanted() const noexcept;
    // Serves what can be served. False when the conversation is over because the client broke the protocol.
    bool serve();
    // True when requests wait for output to be taken.
    bool stalled() const noexcept { return out_.size() >= output_max || batch_.has_value(); }
    // True when a request waits for an owner of its record; `serve` is to be called again in a millisecond.
    bool parked() const noexcept { return parked_; }

  private:
    bool serve_next(bool& progress);
    bool serve_frame(uint8_t type, aero::byte_view frame);
    void serve_compressed(aero::byte_view frame);
    void serve_message(aero::byte_view body);
    void reply_code(aero::code what);

    node& here_;
    doorman doorman_;
    aero::buffer in_;
    size_t taken_ = 0;  // bytes of in_ that are served
    aero::buffer out_;
    aero::buffer unpacked_;           // the message inside the frame at taken_, once that was inflated
    std::optional<batch_run> batch_;  // under way; its bytes are the frame at taken_, or unpacked_
    size_t batch_size_ = 0;
    bool parked_ = false;
    waiting so_far_;  // of the request that is parked
    bool user_agent_set_ = false;
};

}  // namespace aero_server
