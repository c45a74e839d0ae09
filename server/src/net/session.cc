#include "net/session.h"

#include <algorithm>

#include "info/info.h"
#include "node.h"
#include "wire/compression.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::code;

namespace {

constexpr size_t read_size = 64u << 10;
constexpr size_t read_size_max = 1u << 20;  // memory is taken as bytes come, not as lengths claim

struct frame {
    uint8_t type = 0;
    size_t body_size = 0;
};

// Nothing when a real server would close the connection: wrong version, unknown type, too long.
std::optional<frame> frame_of(const uint8_t* at) noexcept {
    const auto admin = static_cast<uint8_t>(wire::frame_type::admin);
    if (at[0] == 0 && at[1] == admin) {  // version 0 is let pass for this type alone
        uint8_t patched[wire::frame_header_size];
        std::copy(at, at + sizeof patched, patched);
        patched[0] = wire::protocol_version;
        return frame_of(patched);
    }
    const auto header = wire::decode_frame_header(at);
    if (!header) return std::nullopt;
    return frame{static_cast<uint8_t>(header->type), header->body_size};
}

}  // namespace

size_t session::wanted() const noexcept {
    const size_t held = in_.size() - taken_;
    if (held < wire::frame_header_size) return read_size;
    const auto header = frame_of(in_.data() + taken_);
    if (!header) return read_size;
    const size_t whole = wire::frame_header_size + header->body_size;
    return std::clamp(whole > held ? whole - held : 0, read_size, read_size_max);
}

bool session::serve() {
    bool progress = true;
    parked_ = false;
    while (progress) {
        progress = false;
        if (!serve_next(progress)) return false;
    }
    if (taken_ != 0 && !batch_) {
        in_.consume(taken_);
        taken_ = 0;
    }
    return true;
}

bool session::serve_next(bool& progress) {
    if (batch_) {
        if (out_.size() >= output_max) return true;
        if (!batch_->step(out_, output_max)) {
            parked_ = batch_->waits();
            return true;
        }
        batch_.reset();
        taken_ += batch_size_;
        unpacked_ = {};
        progress = true;
        return true;
    }
    if (out_.size() >= output_max) return true;
    const size_t held = in_.size() - taken_;
    if (held < wire::frame_header_size) return true;
    const auto header = frame_of(in_.data() + taken_);
    if (!header) return false;
    const size_t whole = wire::frame_header_size + header->body_size;
    if (held < whole) return true;
    batch_size_ = whole;
    if (!serve_frame(header->type, {in_.data() + taken_, whole})) return false;
    if (parked_) return true;
    if (!batch_) {
        taken_ += whole;
        unpacked_ = {};
    }
    progress = true;
    return true;
}

bool session::serve_frame(uint8_t type, byte_view frame) {
    const byte_view body = frame.subspan(wire::frame_header_size);
    doorman_.look_again();
    switch (static_cast<wire::frame_type>(type)) {
        case wire::frame_type::info:
            answer_info(here_, doorman_, user_agent_set_, aero::as_text(body), out_);
            return true;
        case wire::frame_type::admin: doorman_.answer(body, out_); return true;
        case wire::frame_type::message: serve_message(body); return true;
        case wire::frame_type::compressed: serve_compressed(frame); return true;
    }
    return false;
}

void session::serve_compressed(byte_view frame) {
    if (!here_.settings().compression || !wire::can_compress()) return reply_code(code::enterprise_only);
    if (!doorman_.known()) return reply_code(code::not_authenticated);  // nothing is inflated for strangers
    if (unpacked_.empty()) {
        wire::unpacker unpack;
        if (!unpack.feed(frame, unpacked_) || !unpack.between_frames()) {
            unpacked_ = {};
            return reply_code(code::parameter);
        }
    }
    serve_message(unpacked_.view().subspan(wire::frame_header_size));
}

void session::reply_code(code what) {
    wire::message_writer message(out_);
    message.header().result_code = static_cast<uint8_t>(what);
    message.finish();
}

void session::serve_message(byte_view body) {
    if (const code refused = doorman_.check(0, {}, {}); refused != code::ok) return reply_code(refused);
    if (body.size() >= wire::message_header_size && (body[1] & wire::info1::batch)) {
        batch_.emplace(here_.data(), body, doorman_.may());
        return;
    }
    const auto request = parse_message(body);
    if (!request) return reply_code(code::parameter);
    if (!request->has_namespace || here_.data().find_store(request->name_space) == nullptr)
        return reply_code(code::invalid_namespace);
    const code refused = doorman_.check(needed_for(*request), request->name_space, request->set);
    if (refused != code::ok) return reply_code(refused);
    if (!request->has_digest) return reply_code(code::unsupported_feature);  // a query
    const size_t start = out_.size();
    out_.room(512);
    out_.commit(wire::frame_header_size);
    if (!here_.data().execute(*request, out_, so_far_)) {
        out_.resize(start);
        parked_ = true;
        return;
    }
    wire::encode_frame_header(out_.data() + start, wire::frame_type::message,
                              out_.size() - start - wire::frame_header_size);
    if (here_.settings().compression && (body[1] & wire::info1::compress_response)) wire::compress_from(out_, start);
}

}  // namespace aero_server
