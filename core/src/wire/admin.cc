#include "wire/admin.h"

#include "wire/message.h"

namespace aero::wire {

namespace {

constexpr size_t field_count_at = 3;

std::unexpected<error> bad(const char* what) {
    return fail(code::bad_reply, std::string("a security message cannot be read: ") + what);
}

}  // namespace

admin_writer::admin_writer(buffer& to, admin_command what, code verdict) : to_(to), start_(to.size()) {
    uint8_t* at = to.room(frame_header_size + admin_header_size);
    std::memset(at, 0, frame_header_size + admin_header_size);
    at[frame_header_size + 1] = static_cast<uint8_t>(verdict);
    at[frame_header_size + 2] = static_cast<uint8_t>(what);
    to.commit(frame_header_size + admin_header_size);
}

void admin_writer::begin_field(admin_field id, size_t size) {
    to_.append_be(static_cast<uint32_t>(size + 1));
    to_.append_u8(static_cast<uint8_t>(id));
    ++fields_;
}

admin_writer& admin_writer::field(admin_field id, std::string_view data) {
    begin_field(id, data.size());
    to_.append(data);
    return *this;
}

admin_writer& admin_writer::field(admin_field id, uint32_t number) {
    begin_field(id, sizeof number);
    to_.append_be(number);
    return *this;
}

void admin_writer::finish() {
    uint8_t* at = to_.data() + start_;
    at[frame_header_size + field_count_at] = fields_;
    encode_frame_header(at, frame_type::admin, to_.size() - start_ - frame_header_size);
}

result<admin_message> take_admin(reader& from) {
    const byte_view header = from.take(admin_header_size);
    if (!from.ok()) return bad("it is shorter than its header");
    admin_message made;
    made.result = static_cast<code>(header[1]);
    made.command = header[2];
    for (unsigned i = 0; i < header[field_count_at]; ++i) {
        const auto size = from.be<uint32_t>();
        const uint8_t id = from.u8();
        if (!from.ok() || size == 0) return bad("a field has no length");
        const byte_view data = from.take(size - 1);
        if (!from.ok()) return bad("a field overruns it");
        if (id < made.fields.size()) made.fields[id] = data;
    }
    return made;
}

result<admin_message> decode_admin(byte_view body) {
    reader from(body);
    auto made = take_admin(from);
    if (made && !from.at_end()) return bad("bytes are left over");
    return made;
}

result<granted_session> session_of(const admin_message& reply) {
    const auto token = reply.text(admin_field::session_token);
    if (!token || token->empty()) return bad("a login gives no session token");
    granted_session made{.token = secret(*token)};
    if (reply.fields[static_cast<size_t>(admin_field::session_ttl)]) {
        const auto ttl = reply.number(admin_field::session_ttl);
        if (!ttl) return bad("a session has no lifetime");
        made.ttl_s = *ttl;
    }
    return made;
}

}  // namespace aero::wire
