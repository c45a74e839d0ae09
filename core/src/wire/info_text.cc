#include "wire/info_text.h"

#include <charconv>

namespace aero::wire {

void append_info_request(buffer& to, std::span<const std::string_view> commands) {
    size_t body_size = 0;
    for (const std::string_view command : commands) body_size += command.size() + 1;
    encode_frame_header(to.room(frame_header_size + body_size), frame_type::info, body_size);
    to.commit(frame_header_size);
    for (const std::string_view command : commands) {
        to.append(command);
        to.append_u8('\n');
    }
}

void append_info_reply(buffer& to, std::span<const info_line> lines) {
    size_t body_size = 0;
    for (const info_line& line : lines) body_size += line.command.size() + line.value.size() + 2;
    encode_frame_header(to.room(frame_header_size + body_size), frame_type::info, body_size);
    to.commit(frame_header_size);
    for (const info_line& line : lines) {
        to.append(line.command);
        to.append_u8('\t');
        to.append(line.value);
        to.append_u8('\n');
    }
}

std::vector<info_line> split_info_reply(std::string_view body) {
    std::vector<info_line> lines;
    for (const std::string_view line : split(body, '\n')) {
        if (line.empty()) continue;
        const size_t tab = line.find('\t');
        if (tab == std::string_view::npos) {
            lines.push_back({line, {}});
        } else {
            lines.push_back({line.substr(0, tab), line.substr(tab + 1)});
        }
    }
    return lines;
}

std::optional<info_error> info_error_of(std::string_view value) noexcept {
    if (value.starts_with("error=")) {
        const std::string_view text = value.substr(6);
        return info_error{1, text.substr(0, text.find(';'))};
    }
    std::string_view rest;
    if (value.starts_with("ERROR")) {
        rest = value.substr(5);
    } else if (value.starts_with("FAIL")) {
        rest = value.substr(4);
    } else {
        return std::nullopt;
    }
    if (rest.empty()) return info_error{1, {}};
    if (rest[0] != ':') return std::nullopt;
    rest.remove_prefix(1);
    const size_t colon = rest.find(':');
    const std::string_view number = rest.substr(0, colon);
    const std::string_view text = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
    if (number.empty()) return info_error{1, text};
    int code = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), code);
    if (parsed.ec != std::errc{} || parsed.ptr != number.data() + number.size()) return info_error{1, rest};
    return info_error{code, text};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
        if (text.empty()) parts.push_back(text);
    }
    return parts;
}

}  // namespace aero::wire
