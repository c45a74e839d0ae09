// One conversation of info text after another on one connection: frames what is asked, gathers the reply, finds values.
//
// Bytes in, bytes out: no socket, no clock. One thread at a time. A reply is bounded in size; bytes that nobody asked
// for, another kind of message and an oversized one break the channel for good.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "wire/info_text.h"

namespace aero::cluster {

class info_channel {
  public:
    static constexpr size_t reply_size_max = 16u << 20;

    enum class progress : uint8_t { more, complete, broken };

    // Gives the bytes to send. REQUIRES: !asking()
    buffer ask(std::span<const std::string_view> commands);
    progress receive(byte_view bytes);
    bool asking() const noexcept { return asking_; }
    const std::string& why() const noexcept { return why_; }  // why the channel is broken

    // The value of a command of the reply, until the next `ask`. Nothing when the reply lacks it.
    std::optional<std::string_view> find(std::string_view command) const noexcept;
    bool empty_reply() const noexcept { return lines_.empty(); }

  private:
    progress broken(std::string why);

    buffer reply_;
    std::vector<wire::info_line> lines_;  // views into reply_
    std::string why_;
    bool asking_ = false;
};

// Text from the network made fit for a message: printable, and not longer than `size_max`.
std::string quoted(std::string_view text, size_t size_max = 80);

}  // namespace aero::cluster
