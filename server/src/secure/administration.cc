#include "secure/administration.h"

#include "wire/admin_lists.h"
#include "wire/message.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::buffer;
using aero::code;
using wire::admin_command;
using wire::admin_field;

namespace {

constexpr size_t records_per_message = 32;

// A request with its fields taken apart; absent ones are empty.
struct change {
    admin_command what;
    std::string_view user;
    std::string_view role;
    std::string_view password;
    std::string_view old_password;
    std::vector<std::string> roles;
    std::vector<aero::privilege> privileges;
    std::vector<std::string> allowlist;
    std::optional<uint32_t> read_quota;
    std::optional<uint32_t> write_quota;
};

// Lists that cannot be read: nothing.
std::optional<change> change_of(const wire::admin_message& asked) {
    change made{.what = static_cast<admin_command>(asked.command),
                .user = asked.text(admin_field::user).value_or(""),
                .role = asked.text(admin_field::role).value_or(""),
                .password = asked.text(admin_field::password).value_or(""),
                .old_password = asked.text(admin_field::old_password).value_or(""),
                .roles = {},
                .privileges = {},
                .allowlist = wire::split_allowlist(asked.text(admin_field::allowlist).value_or("")),
                .read_quota = asked.number(admin_field::read_quota),
                .write_quota = asked.number(admin_field::write_quota)};
    if (const auto& list = asked.fields[static_cast<size_t>(admin_field::roles)]) {
        auto roles = wire::decode_roles(*list);
        if (!roles) return std::nullopt;
        made.roles = *std::move(roles);
    }
    if (const auto& list = asked.fields[static_cast<size_t>(admin_field::privileges)]) {
        auto privileges = wire::decode_privileges(*list);
        if (!privileges) return std::nullopt;
        made.privileges = *std::move(privileges);
    }
    return made;
}

code carry_out(users& everybody, change&& asked) {
    switch (asked.what) {
        case admin_command::create_user: return everybody.create_user(asked.user, asked.password, asked.roles);
        case admin_command::drop_user: return everybody.drop_user(asked.user);
        case admin_command::set_password: return everybody.set_password(asked.user, asked.password);
        case admin_command::change_password:
            return everybody.change_password(asked.user, asked.old_password, asked.password);
        case admin_command::grant_roles: return everybody.grant_roles(asked.user, asked.roles);
        case admin_command::revoke_roles: return everybody.revoke_roles(asked.user, asked.roles);
        case admin_command::create_role:
            return everybody.create_role({.name = std::string(asked.role),
                                          .privileges = std::move(asked.privileges),
                                          .allowlist = std::move(asked.allowlist),
                                          .read_quota = asked.read_quota.value_or(0),
                                          .write_quota = asked.write_quota.value_or(0)});
        case admin_command::drop_role: return everybody.drop_role(asked.role);
        case admin_command::grant_privileges: return everybody.grant_privileges(asked.role, asked.privileges);
        case admin_command::revoke_privileges: return everybody.revoke_privileges(asked.role, asked.privileges);
        case admin_command::set_allowlist: return everybody.set_allowlist(asked.role, std::move(asked.allowlist));
        case admin_command::set_quotas: return everybody.set_quotas(asked.role, asked.read_quota, asked.write_quota);
        default: return code::security_command;
    }
}

void append_quota(wire::admin_writer& to, admin_field id, uint32_t quota) {
    if (quota == 0) return;
    buffer numbers;
    const uint32_t known[] = {quota, 0, 0, 0};  // nothing is counted against it
    wire::append_numbers(numbers, known);
    to.field(id, numbers.view());
}

void append_record(buffer& to, const user& who, const sessions& logins) {
    buffer roles;
    wire::append_roles(roles, std::span(who.roles).first(std::min(who.roles.size(), wire::admin_list_max)));
    wire::admin_writer record(to, {});
    record.field(admin_field::user, who.name).field(admin_field::roles, roles.view());
    append_quota(record, admin_field::read_info, who.read_quota);
    append_quota(record, admin_field::write_info, who.write_quota);
    record.field(admin_field::connections, logins.connections_of(who.id));
    record.finish();
}

void append_record(buffer& to, const aero::role_info& what) {
    buffer privileges;
    wire::append_privileges(privileges,
                            std::span(what.privileges).first(std::min(what.privileges.size(), wire::admin_list_max)));
    wire::admin_writer record(to, {});
    record.field(admin_field::role, what.name).field(admin_field::privileges, privileges.view());
    if (!what.allowlist.empty()) record.field(admin_field::allowlist, wire::join_allowlist(what.allowlist));
    if (what.read_quota != 0) record.field(admin_field::read_quota, what.read_quota);
    if (what.write_quota != 0) record.field(admin_field::write_quota, what.write_quota);
    record.finish();
}

// Messages of several records each; whoever reads them must not count on one of them being the last.
template <class Records, class Append>
void answer_list(buffer& to, const Records& records, Append append) {
    size_t start = 0;
    size_t held = 0;
    const auto close = [&] {
        if (held == 0) return;
        wire::encode_frame_header(to.data() + start, wire::frame_type::admin,
                                  to.size() - start - wire::frame_header_size);
        held = 0;
    };
    buffer record;
    for (const auto& each : records) {
        if (held == 0) {
            start = to.size();
            to.room(wire::frame_header_size);
            to.commit(wire::frame_header_size);
        }
        record.clear();
        append(record, each);
        to.append(record.view().subspan(wire::frame_header_size));
        if (++held == records_per_message) close();
    }
    close();
    wire::admin_writer(to, {}, code::query_end).finish();
}

void refuse(buffer& to, code why) { wire::admin_writer(to, {}, why).finish(); }

void tell_users(const users& everybody, const sessions& logins, const std::optional<std::string_view>& name,
                buffer& to) {
    std::vector<user_ptr> found;
    if (!name)
        found = everybody.all();
    else if (user_ptr one = everybody.find(*name))
        found.push_back(std::move(one));
    else
        return refuse(to, code::invalid_user);
    answer_list(to, found, [&](buffer& record, const user_ptr& each) { append_record(record, *each, logins); });
}

void tell_roles(const users& everybody, const std::optional<std::string_view>& name, buffer& to) {
    std::vector<aero::role_info> found = everybody.all_roles();
    if (name) {
        std::erase_if(found, [&](const aero::role_info& each) { return each.name != *name; });
        if (found.empty()) return refuse(to, code::invalid_role);
    }
    answer_list(to, found, [](buffer& record, const aero::role_info& each) { append_record(record, each); });
}

}  // namespace

void administer(users& everybody, const sessions& logins, const user& by, const wire::admin_message& asked,
                buffer& to) {
    const auto what = static_cast<admin_command>(asked.command);
    const auto whose = asked.text(admin_field::user);
    const bool himself =
        whose == by.name && (what == admin_command::change_password || what == admin_command::query_users);
    if (!himself && (what == admin_command::change_password || !by.may.allows(right::user_admin, {}, {})))
        return refuse(to, code::role_violation);
    if (what == admin_command::query_users) return tell_users(everybody, logins, whose, to);
    if (what == admin_command::query_roles) return tell_roles(everybody, asked.text(admin_field::role), to);
    auto wanted = change_of(asked);
    refuse(to, wanted ? carry_out(everybody, *std::move(wanted)) : code::security_field);
}

}  // namespace aero_server
