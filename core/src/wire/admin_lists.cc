#include "wire/admin_lists.h"

#include <algorithm>
#include <cassert>

namespace aero::wire {

namespace {

std::unexpected<error> bad(const char* what) {
    return fail(code::bad_reply, std::string("a security message cannot be read: ") + what);
}

void append_name(buffer& to, std::string_view name) {
    assert(name.size() <= 255);
    to.append_u8(static_cast<unsigned>(name.size()));
    to.append(name);
}

// Of a field that is there; of one that is not, an empty list.
template <class List>
result<List> list_of(const admin_message& record, admin_field id, result<List> (*decode)(byte_view)) {
    const auto& field = record.fields[static_cast<size_t>(id)];
    return field ? decode(*field) : result<List>(List());
}

}  // namespace

void append_roles(buffer& to, std::span<const std::string> roles) {
    assert(roles.size() <= admin_list_max);
    to.append_u8(static_cast<unsigned>(roles.size()));
    for (const std::string& each : roles) append_name(to, each);
}

void append_privileges(buffer& to, std::span<const privilege> privileges) {
    assert(privileges.size() <= admin_list_max);
    to.append_u8(static_cast<unsigned>(privileges.size()));
    for (const privilege& each : privileges) {
        to.append_u8(static_cast<unsigned>(each.what));
        if (!has_scope(each.what)) continue;
        append_name(to, each.name_space);
        append_name(to, each.set);
    }
}

void append_numbers(buffer& to, std::span<const uint32_t> numbers) {
    assert(numbers.size() <= admin_list_max);
    to.append_u8(static_cast<unsigned>(numbers.size()));
    for (const uint32_t each : numbers) to.append_be(each);
}

std::string join_allowlist(std::span<const std::string> addresses) {
    std::string text;
    for (const std::string& each : addresses) {
        if (!text.empty()) text += ',';
        text += each;
    }
    return text;
}

result<std::vector<std::string>> decode_roles(byte_view list) {
    reader from(list);
    const unsigned count = from.u8();
    std::vector<std::string> roles;
    for (unsigned i = 0; i < count && from.ok(); ++i) roles.emplace_back(from.text(from.u8()));
    if (!from.ok() || !from.at_end()) return bad("its list of roles does not add up");
    return roles;
}

result<std::vector<privilege>> decode_privileges(byte_view list) {
    reader from(list);
    const unsigned count = from.u8();
    std::vector<privilege> privileges;
    for (unsigned i = 0; i < count && from.ok(); ++i) {
        privilege& each = privileges.emplace_back();
        each.what = static_cast<privilege_code>(from.u8());
        if (!has_scope(each.what)) continue;
        each.name_space = from.text(from.u8());
        each.set = from.text(from.u8());
    }
    if (!from.ok() || !from.at_end()) return bad("its list of privileges does not add up");
    return privileges;
}

result<std::vector<uint32_t>> decode_numbers(byte_view list) {
    reader from(list);
    const unsigned count = from.u8();
    std::vector<uint32_t> numbers;
    for (unsigned i = 0; i < count && from.ok(); ++i) numbers.push_back(from.be<uint32_t>());
    if (!from.ok() || !from.at_end()) return bad("its list of numbers does not add up");
    return numbers;
}

std::vector<std::string> split_allowlist(std::string_view text) {
    std::vector<std::string> addresses;
    while (!text.empty()) {
        const std::string_view each = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), each.size() + 1));
        if (!each.empty()) addresses.emplace_back(each);
    }
    return addresses;
}

result<user_info> user_of(const admin_message& record) {
    const auto name = record.text(admin_field::user);
    if (!name) return bad("a user has no name");
    auto roles = list_of(record, admin_field::roles, decode_roles);
    if (!roles) return std::unexpected(std::move(roles.error()));
    auto reads = list_of(record, admin_field::read_info, decode_numbers);
    if (!reads) return std::unexpected(std::move(reads.error()));
    auto writes = list_of(record, admin_field::write_info, decode_numbers);
    if (!writes) return std::unexpected(std::move(writes.error()));
    return user_info{.name = std::string(*name),
                     .roles = *std::move(roles),
                     .connections = record.number(admin_field::connections).value_or(0),
                     .reads = *std::move(reads),
                     .writes = *std::move(writes)};
}

result<role_info> role_of(const admin_message& record) {
    const auto name = record.text(admin_field::role);
    if (!name) return bad("a role has no name");
    auto privileges = list_of(record, admin_field::privileges, decode_privileges);
    if (!privileges) return std::unexpected(std::move(privileges.error()));
    return role_info{.name = std::string(*name),
                     .privileges = *std::move(privileges),
                     .allowlist = split_allowlist(record.text(admin_field::allowlist).value_or("")),
                     .read_quota = record.number(admin_field::read_quota).value_or(0),
                     .write_quota = record.number(admin_field::write_quota).value_or(0)};
}

}  // namespace aero::wire
