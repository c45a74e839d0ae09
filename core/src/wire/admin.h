// Security messages: who somebody is, how he proves it, what he is told. Pure functions on bytes.
//
//     body    0 SCHEME  1 RESULT  2 COMMAND  3 FIELDS  4..15 zero, then fields: u32 LENGTH, u8 ID, data
//
// Both sides are here: the embedded server reads what the client writes. Bytes from the network become errors.
#pragma once

#include <array>
#include <optional>

#include "aero/error.h"
#include "aero/secret.h"
#include "base/buffer.h"
#include "base/reader.h"

namespace aero::wire {

enum class admin_command : uint8_t {
    authenticate = 0,
    create_user = 1,
    drop_user = 2,
    set_password = 3,
    change_password = 4,  // by its owner, who knows the old one
    grant_roles = 5,
    revoke_roles = 6,
    query_users = 9,
    create_role = 10,
    drop_role = 11,
    grant_privileges = 12,
    revoke_privileges = 13,
    set_allowlist = 14,
    set_quotas = 15,
    query_roles = 16,
    login = 20,
};
enum class admin_field : uint8_t {
    user = 0,
    password = 1,  // hashes, as is the credential
    old_password = 2,
    credential = 3,
    clear_password = 4,
    session_token = 5,
    session_ttl = 6,  // u32 seconds
    roles = 10,       // lists of names, of privileges, of numbers: see admin_lists.h
    role = 11,
    privileges = 12,
    allowlist = 13,
    read_quota = 14,  // u32 records per second
    write_quota = 15,
    read_info = 16,
    write_info = 17,
    connections = 18,  // u32
};

inline constexpr size_t admin_header_size = 16;
inline constexpr size_t user_name_max = 63;

// Appends one framed message, field by field.
class admin_writer {
  public:
    admin_writer(buffer& to, admin_command what, code verdict = code::ok);
    admin_writer& field(admin_field id, std::string_view data);
    admin_writer& field(admin_field id, byte_view data) { return field(id, as_text(data)); }
    admin_writer& field(admin_field id, uint32_t number);
    void finish();

  private:
    void begin_field(admin_field id, size_t size);

    buffer& to_;
    size_t start_;
    uint8_t fields_ = 0;
};

// Views into the body. Of fields that come twice the last one counts; fields that are not known are passed over.
struct admin_message {
    code result = code::ok;
    uint8_t command = 0;
    std::array<std::optional<byte_view>, 32> fields{};

    std::optional<std::string_view> text(admin_field id) const noexcept {
        const auto& found = fields[static_cast<size_t>(id)];
        return found ? std::optional(as_text(*found)) : std::nullopt;
    }
    std::optional<uint32_t> number(admin_field id) const noexcept {
        const auto& found = fields[static_cast<size_t>(id)];
        if (!found || found->size() != sizeof(uint32_t)) return std::nullopt;
        return load_be<uint32_t>(found->data());
    }
};
// From a body without its frame header. Fails with code::bad_reply.
result<admin_message> decode_admin(byte_view body);
// The next of several in one body, as the answer to a query has them; the last one's result is not ok.
result<admin_message> take_admin(reader& from);

// What a login gives: the right to authenticate with a token, for a while.
struct granted_session {
    secret token;
    uint32_t ttl_s = 0;  // 0: without end
};
// Of a reply that says ok. Fails with code::bad_reply when it has no token.
result<granted_session> session_of(const admin_message& reply);

}  // namespace aero::wire
