#include "cluster/info_channel.h"

#include <cassert>

namespace aero::cluster {

buffer info_channel::ask(std::span<const std::string_view> commands) {
    assert(!asking_);
    asking_ = true;
    lines_.clear();
    reply_.clear();
    buffer request;
    wire::append_info_request(request, commands);
    return request;
}

info_channel::progress info_channel::receive(byte_view bytes) {
    if (!why_.empty()) return progress::broken;
    if (!asking_) return broken("sent bytes that nobody asked for");
    reply_.append(bytes);
    if (reply_.size() < wire::frame_header_size) return progress::more;
    const auto frame = wire::decode_frame_header(reply_.data());
    if (!frame || frame->type != wire::frame_type::info)
        return broken("answered with something that is no info message");
    if (frame->body_size > reply_size_max) {
        return broken("announced an info reply of " + std::to_string(frame->body_size) + " bytes; the limit is " +
                      std::to_string(reply_size_max));
    }
    const size_t whole = wire::frame_header_size + frame->body_size;
    if (reply_.size() < whole) return progress::more;
    if (reply_.size() > whole) return broken("sent more than the reply to what was asked");
    asking_ = false;
    lines_ = wire::split_info_reply(as_text(reply_.view().subspan(wire::frame_header_size)));
    return progress::complete;
}

info_channel::progress info_channel::broken(std::string why) {
    why_ = std::move(why);
    asking_ = false;
    lines_.clear();
    reply_.clear();
    return progress::broken;
}

std::optional<std::string_view> info_channel::find(std::string_view command) const noexcept {
    for (const wire::info_line& line : lines_) {
        if (line.command == command) return line.value;
    }
    return std::nullopt;
}

std::string quoted(std::string_view text, size_t size_max) {
    std::string made = "'";
    for (const char c : text.substr(0, size_max)) made += c >= ' ' && c <= '~' ? c : '?';
    made += text.size() > size_max ? "...'" : "'";
    return made;
}

}  // namespace aero::cluster
