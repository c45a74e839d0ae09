// Info messages (type 1): lines of text. A request names commands, one a line; a reply repeats each with its value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "wire/message.h"

namespace aero::wire {

// Appends one framed request; each command is ended by a line feed.
void append_info_request(buffer& to, std::span<const std::string_view> commands);

struct info_line {
    std::string_view command;
    std::string_view value;  // empty when the line has no tab
};
// Appends one framed reply: each command, a tab and its value.
void append_info_reply(buffer& to, std::span<const info_line> lines);
// Splits a reply body. Views into `body`.
std::vector<info_line> split_info_reply(std::string_view body);

struct info_error {
    int code;
    std::string_view text;
};
// The error in a value: `ERROR:code:text`, `FAIL:code:text`, bare `ERROR`, `error=...`; an empty code means 1.
std::optional<info_error> info_error_of(std::string_view value) noexcept;

// Splits `text` at each `separator`; the empty text gives no parts.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace aero::wire
