// The lists inside security messages, and what the answer to a query says of a user or a role. Pure functions on bytes.
//
//     roles        u8 COUNT, then u8 LENGTH and text of each
//     privileges   u8 COUNT, then u8 CODE of each; of those with a scope u8 LENGTH and namespace, u8 LENGTH and set
//     numbers      u8 COUNT, then u32 of each
//     allowlist    text, parted by commas
//
// Both sides are here: the embedded server reads what the client writes. Bytes from the network become errors.
#pragma once

#include <span>

#include "aero/security.h"
#include "wire/admin.h"

namespace aero::wire {

inline constexpr size_t admin_list_max = 255;  // as many as a list may have

// REQUIRES: at most admin_list_max, names of at most 255 bytes
void append_roles(buffer& to, std::span<const std::string> roles);
void append_privileges(buffer& to, std::span<const privilege> privileges);
void append_numbers(buffer& to, std::span<const uint32_t> numbers);
std::string join_allowlist(std::span<const std::string> addresses);

// Fail with code::bad_reply when a list does not fill its field.
result<std::vector<std::string>> decode_roles(byte_view list);
result<std::vector<privilege>> decode_privileges(byte_view list);
result<std::vector<uint32_t>> decode_numbers(byte_view list);
std::vector<std::string> split_allowlist(std::string_view text);  // empty ones are passed over

// A record of an answer. Fails with code::bad_reply when it has no name or a list cannot be read.
result<user_info> user_of(const admin_message& record);
result<role_info> role_of(const admin_message& record);

}  // namespace aero::wire
