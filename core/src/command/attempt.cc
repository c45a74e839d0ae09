#include "command/attempt.h"

#include <algorithm>

#include "base/buffer_pool.h"
#include "command/call.h"
#include "io/stream.h"
#include "wire/admin.h"
#include "wire/compression.h"

namespace aero::command {

namespace {

// First room for a reply. A get usually fits; rows arrive in blocks of about 128 KiB.
constexpr size_t message_room = 4096;
constexpr size_t rows_room = 64 << 10;
// What a peer announces is not believed until it comes: room grows by what has arrived, never by the announcement.
constexpr size_t room_step = 64 << 10;

// The answer to a question about users and roles is kept whole: a node may not make it endless.
constexpr size_t records_size_max = 64 << 20;

bool is_security(reply_form form) noexcept { return form == reply_form::admin || form == reply_form::records; }

wire::frame_type frame_type_of(reply_form form) noexcept {
    if (form == reply_form::info) return wire::frame_type::info;
    return is_security(form) ? wire::frame_type::admin : wire::frame_type::message;
}

size_t first_room(reply_form form, size_t rows) noexcept {
    if (form != reply_form::rows) return message_room;
    return std::max(rows_room, rows * 200);
}

bool ends_stream(byte_view body) noexcept {
    return (wire::decode_message_header(body.data()).info3 & wire::info3::last) != 0;
}

// Whether fields and operations stay within the message. A connection that brought one where they do not is not used
// again.
bool is_well_formed(byte_view body) noexcept {
    const wire::message_header header = wire::decode_message_header(body.data());
    reader rest(body.subspan(wire::message_header_size));
    wire::skip_fields(rest, header.fields);
    wire::skip_ops(rest, header.ops);
    return rest.ok();
}

}  // namespace

bool ends_session(code what) noexcept { return what == code::not_authenticated || what == code::expired_session; }

bool refuses_record(code what) noexcept {
    return what == code::timeout || what == code::partition_unavailable || what == code::device_overload;
}

// What compression adds. Answers arrive in a room of their own; what they unpack to is the reply.
struct attempt::packing {
    buffer request;  // empty: it goes as it is
    bool asked = false;
    buffer arrived;
    wire::unpacker unpack;

    ~packing() { recycle(std::move(arrived)); }
};

attempt::attempt(call* owner, cluster::node* target, reply_form form, buffer&& request) noexcept
    : owner_(owner), target_(target), request_(std::move(request)), form_(form) {}

attempt::~attempt() {
    if (is_security(form_)) wipe(request_.data(), request_.size());  // it may hold a password
    if (owner_ != nullptr) owner_->lost(*this);
    recycle(std::move(request_));
    recycle(std::move(reply_));
}

void attempt::compress() {
    packing_ = std::make_unique<packing>();
    if (auto smaller = wire::compress_frame(request_.view())) packing_->request = std::move(*smaller);
    packing_->asked = (request_.data()[wire::frame_header_size + 1] & wire::info1::compress_response) != 0;
}

bool attempt::sends_compressed() const noexcept { return packing_ && !packing_->request.empty(); }

byte_view attempt::outgoing() const noexcept { return sends_compressed() ? packing_->request.view() : request_.view(); }

bool attempt::unpacks() const noexcept { return packing_ && packing_->asked; }

action attempt::resume(const event& what, nanos now) noexcept try {
    switch (what.what) {
        case event::kind::start: return {.what = action::kind::send, .output = outgoing()};
        case event::kind::sent:
            if (sent_ == 0 && what.bytes > 0) first_sent_at = now;
            sent_ += what.bytes;
            if (const byte_view out = outgoing(); sent_ < out.size())
                return {.what = action::kind::send, .output = out.subspan(sent_)};
            sent_all_ = true;
            return receive_more();
        case event::kind::received:
            read_at = now;
            arrived_at = what.arrived != 0 ? what.arrived : now;
            return after_received(what.bytes);
        case event::kind::closed:
            return broken(code::connection, "the node closed the connection before its answer was complete");
        case event::kind::failed:
            return broken(code::connection, "the connection failed: " + io::error_text(what.error_number));
    }
    return finish();
} catch (const std::bad_alloc&) {
    starved_ = true;
    return finish();
}

bool attempt::take_bytes(size_t count) {
    if (!unpacks()) {
        reply_.commit(count);
        return take_frames(reply_.size());
    }
    const byte_view arrived = {packing_->arrived.data(), count};
    return packing_->unpack.feed(arrived, reply_) && take_frames(reply_.size() - packing_->unpack.unproven());
}

action attempt::after_received(size_t bytes) {
    if (!take_bytes(bytes)) return broken(code::bad_reply, "the node sent bytes that the protocol does not allow");
    if (!complete_) return receive_more();
    clean_ = sent_all_ && frame_start_ == reply_.size() && (!unpacks() || packing_->unpack.between_frames());
    return finish();
}

// Takes every whole frame before `end` of the reply. False on bytes that are not allowed.
bool attempt::take_frames(size_t end) {
    while (!complete_ && end - frame_start_ >= wire::frame_header_size) {
        const auto header = wire::decode_frame_header(reply_.data() + frame_start_);
        if (!header || header->type != frame_type_of(form_)) return false;
        const size_t frame_size = wire::frame_header_size + header->body_size;
        if (end - frame_start_ < frame_size) return true;
        const size_t body_at = frame_start_ + wire::frame_header_size;
        frame_start_ += frame_size;
        if (!take_frame(reply_.view().subspan(body_at, header->body_size), body_at)) return false;
    }
    return true;
}

bool attempt::take_frame(byte_view body, size_t offset) {
    if (form_ == reply_form::info) {
        session_over_ = as_text(body).starts_with("ERROR:80:");
        return complete_ = true;
    }
    if (is_security(form_)) return take_security_frame(body);
    if (body.size() < wire::message_header_size) return false;
    const bool last = form_ == reply_form::message || ends_stream(body) || refuses_compression(body);
    if (last) {
        verdict_ = wire::decode_message_header(body.data()).result_code;
        session_over_ = ends_session(static_cast<code>(verdict_));
        complete_ = form_ == reply_form::rows || is_well_formed(body);
        return complete_;
    }
    return owner_ == nullptr || owner_->take_rows(*this, body, offset);
}

// A list ends with a message that has a result, be it only that there is no more.
bool attempt::take_security_frame(byte_view body) {
    reader from(body);
    while (!complete_ && (form_ == reply_form::admin || !from.at_end())) {
        const auto message = wire::take_admin(from);
        if (!message) return false;
        verdict_ = static_cast<uint8_t>(message->result);
        complete_ = form_ == reply_form::admin || message->result != code::ok;
    }
    session_over_ = ends_session(static_cast<code>(verdict_));
    return from.at_end() && reply_.size() <= records_size_max;
}

// A server without compression does not even see that a batch was asked: it answers like a record's, without the mark
// of the last message.
bool attempt::refuses_compression(byte_view body) const noexcept {
    return sends_compressed() && answered == 0 && body.size() == wire::message_header_size &&
           wire::decode_message_header(body.data()).result_code == static_cast<uint8_t>(code::enterprise_only);
}

action attempt::receive_more() {
    if (reply_.capacity() == 0) reply_ = take_buffer(first_room(form_, rows.size()));
    size_t room = reply_.capacity() - reply_.size();
    // A dropped reply need not be kept: only the frame now arriving.
    if (owner_ == nullptr && frame_start_ > 0) {
        reply_.consume(frame_start_);
        frame_start_ = 0;
        room = reply_.capacity() - reply_.size();
    }
    if (unpacks()) {
        if (packing_->arrived.capacity() == 0) packing_->arrived = take_buffer(first_room(form_, 0));
        return {.what = action::kind::receive, .input = packing_->arrived.free_space()};
    }
    if (room < wire::frame_header_size + wire::message_header_size)
        reply_.reserve_exactly(reply_.size() + std::max(room_step, reply_.size() / 8));
    return {.what = action::kind::receive, .input = reply_.free_space()};
}

action attempt::finish() noexcept {
    finished_ = true;
    return {.what = action::kind::finished};
}

action attempt::broken(code what, std::string text) {
    failure_ = std::make_unique<error>(error{.what = what, .node = target_->address_text(), .text = std::move(text)});
    return finish();
}

buffer attempt::take_reply() {
    if (finished_) return std::move(reply_);
    buffer whole = take_buffer(frame_start_);
    whole.append(reply_.view().first(frame_start_));
    reply_.consume(frame_start_);
    frame_start_ = 0;
    return whole;
}

void attempt::fail(code what, std::string text) { broken(what, std::move(text)); }

}  // namespace aero::command
