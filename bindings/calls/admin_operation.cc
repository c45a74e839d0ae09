#include "calls/admin_operation.h"

#include <limits>

#include "convert/policy_fields.h"
#include "convert/roles.h"
#include "errors.h"

namespace aero::py {
namespace {

bool is_given(PyObject* argument) noexcept { return argument != nullptr && argument != Py_None; }

bool text_argument(PyObject* given, const char* name, std::string_view& to) {
    if (PyUnicode_Check(given)) return text_of(given, to);
    PyErr_Format(PyExc_TypeError, "%s must be str, not %s", name, Py_TYPE(given)->tp_name);
    return false;
}

bool take_name(admin_operation& of, PyObject* given, const char* what) {
    std::string_view text;
    if (!text_argument(given, what, text)) return false;
    of.name = text;
    // Without a name a question is about everybody.
    if (!text.empty()) return true;
    return raise_invalid_argument("%s must not be empty", what), false;
}

bool take_password(admin_operation& of, PyObject* given) {
    std::string_view text;
    if (!text_argument(given, "password", text)) return false;
    of.password = std::make_shared<password_hashing>(text);
    return true;
}

bool take_quota(PyObject* given, const char* name, uint32_t& to) {
    if (!is_given(given)) return true;
    int64_t number = 0;
    if (!field_value(given, number)) return false;
    if (number < 0 || number > std::numeric_limits<uint32_t>::max())
        return raise_invalid_argument("%s must be 0 (none) to 4294967295 records per second, got %R", name, given),
               false;
    to = static_cast<uint32_t>(number);
    return true;
}

// ---- arguments -----------------------------------------------------------------------------------------------------

bool parse_nothing(admin_operation&, const argument_slots&) { return true; }

bool parse_user(admin_operation& of, const argument_slots& given) { return take_name(of, given[0], "username"); }

bool parse_role(admin_operation& of, const argument_slots& given) { return take_name(of, given[0], "role"); }

bool parse_new_user(admin_operation& of, const argument_slots& given) {
    return parse_user(of, given) && take_password(of, given[1]) && parse_names(given[2], "roles", of.roles);
}

bool parse_password(admin_operation& of, const argument_slots& given) {
    return parse_user(of, given) && take_password(of, given[1]);
}

bool parse_user_roles(admin_operation& of, const argument_slots& given) {
    return parse_user(of, given) && parse_names(given[1], "roles", of.roles);
}

// role, privileges, policy, whitelist, read_quota, write_quota
bool parse_new_role(admin_operation& of, const argument_slots& given) {
    return parse_role(of, given) && parse_privileges(given[1], of.privileges) &&
           (!is_given(given[3]) || parse_names(given[3], "whitelist", of.allowlist)) &&
           take_quota(given[4], "read_quota", of.read_quota) && take_quota(given[5], "write_quota", of.write_quota);
}

bool parse_role_privileges(admin_operation& of, const argument_slots& given) {
    return parse_role(of, given) && parse_privileges(given[1], of.privileges);
}

bool parse_whitelist(admin_operation& of, const argument_slots& given) {
    return parse_role(of, given) && parse_names(given[1], "whitelist", of.allowlist);
}

bool parse_quotas(admin_operation& of, const argument_slots& given) {
    return parse_role(of, given) && take_quota(given[1], "read_quota", of.read_quota) &&
           take_quota(given[2], "write_quota", of.write_quota);
}

// ---- results -------------------------------------------------------------------------------------------------------

PyObject* done(const admin_operation&, admin_reply&&) { return new_ref(Py_None); }

template <class Items, class Make>
PyObject* new_dicts(const Items& items, Make make) {
    ref list = ref::take(PyList_New(0));
    for (const auto& each : items) {
        const ref made = list ? ref::take(make(each)) : ref();
        if (!made || PyList_Append(list.get(), made.get()) != 0) return nullptr;
    }
    return list.release();
}

// What a server that knows no such name tells by a list of nothing.
PyObject* unknown(const admin_operation& of, code what) {
    error why;
    why.what = what;
    why.attempts = 1;
    return raise(why, of.kind().name());
}

PyObject* one_user(const admin_operation& of, admin_reply&& reply) {
    return reply.users.empty() ? unknown(of, code::invalid_user) : new_user(reply.users.front());
}

PyObject* every_user(const admin_operation&, admin_reply&& reply) { return new_dicts(reply.users, new_user); }

PyObject* one_role(const admin_operation& of, admin_reply&& reply) {
    return reply.roles.empty() ? unknown(of, code::invalid_role) : new_role(reply.roles.front());
}

PyObject* every_role(const admin_operation&, admin_reply&& reply) { return new_dicts(reply.roles, new_role); }

// ---- signatures ----------------------------------------------------------------------------------------------------

constexpr signature create_user_arguments{"admin_create_user", {"username", "password", "roles", "policy"}, 4, 3};
constexpr signature drop_user_arguments{"admin_drop_user", {"username", "policy"}, 2, 1};
constexpr signature change_password_arguments{"admin_change_password", {"username", "password", "policy"}, 3, 2};
constexpr signature grant_roles_arguments{"admin_grant_roles", {"username", "roles", "policy"}, 3, 2};
constexpr signature revoke_roles_arguments{"admin_revoke_roles", {"username", "roles", "policy"}, 3, 2};
constexpr signature query_user_info_arguments{"admin_query_user_info", {"username", "policy"}, 2, 1};
constexpr signature query_users_info_arguments{"admin_query_users_info", {"policy"}, 1, 0};
constexpr signature create_role_arguments{
    "admin_create_role", {"role", "privileges", "policy", "whitelist", "read_quota", "write_quota"}, 6, 2};
constexpr signature drop_role_arguments{"admin_drop_role", {"role", "policy"}, 2, 1};
constexpr signature grant_privileges_arguments{"admin_grant_privileges", {"role", "privileges", "policy"}, 3, 2};
constexpr signature revoke_privileges_arguments{"admin_revoke_privileges", {"role", "privileges", "policy"}, 3, 2};
constexpr signature query_role_arguments{"admin_query_role", {"role", "policy"}, 2, 1};
constexpr signature query_roles_arguments{"admin_query_roles", {"policy"}, 1, 0};
constexpr signature set_whitelist_arguments{"admin_set_whitelist", {"role", "whitelist", "policy"}, 3, 2};
constexpr signature set_quotas_arguments{"admin_set_quotas", {"role", "read_quota", "write_quota", "policy"}, 4, 1};

}  // namespace

// ---- the operation -------------------------------------------------------------------------------------------------

bool admin_operation::parse(const argument_slots& slots, bool strict) {
    return guarded([&] {
        admin_options admin;
        if (!of_.parse(*this, slots) || !parse_admin_policy(slots[of_.policy_at], strict, admin)) return false;
        timeout_ms_ = admin.timeout_ms;
        return true;
    });
}

admin_request admin_operation::request() const noexcept {
    admin_request made;
    made.what = of_.what;
    made.name = name;
    if (password != nullptr) {
        made.password = &password->clear;
        made.password_hash = &password->hash;
    }
    made.roles = roles;
    made.privileges = privileges;
    made.allowlist = allowlist;
    made.read_quota = read_quota;
    made.write_quota = write_quota;
    return made;
}

call_outcome admin_operation::execute(client& through, const call_options& options) {
    if (password != nullptr && password->hash.empty()) password->run();
    call_outcome outcome;
    if (auto reply = through.execute(request(), timeout_ms_, options))
        outcome.admin = std::make_unique<admin_reply>(std::move(*reply));
    else
        outcome.failure = std::make_unique<error>(std::move(reply.error()));
    return outcome;
}

event_client::ticket admin_operation::submit(event_client& through, completion& whom, bool) {
    return through.submit(request(), timeout_ms_, whom);
}

PyObject* admin_operation::convert(call_outcome&& outcome, PyObject*) {
    if (outcome.failure != nullptr) return raise(*outcome.failure, kind().name());
    return guarded([&] { return of_.convert(*this, std::move(*outcome.admin)); });
}

// ---- the kinds -----------------------------------------------------------------------------------------------------

security_kind admin_create_user_kind{
    {parameters(create_user_arguments),
     "admin_create_user($self, username, password, roles, policy=None)\n--\n\nMake a user who has these roles."},
    parse_new_user,
    done,
    admin_verb::create_user,
    3};
security_kind admin_drop_user_kind{
    {parameters(drop_user_arguments), "admin_drop_user($self, username, policy=None)\n--\n\nRemove a user."},
    parse_user,
    done,
    admin_verb::drop_user,
    1};
security_kind admin_change_password_kind{
    {parameters(change_password_arguments),
     "admin_change_password($self, username, password, policy=None)\n--\n\n"
     "Change a user's password. One's own needs no privilege, and later logins of this client use it."},
    parse_password,
    done,
    admin_verb::change_password,
    2};
security_kind admin_grant_roles_kind{
    {parameters(grant_roles_arguments),
     "admin_grant_roles($self, username, roles, policy=None)\n--\n\nGive a user roles."},
    parse_user_roles,
    done,
    admin_verb::grant_roles,
    2};
security_kind admin_revoke_roles_kind{
    {parameters(revoke_roles_arguments),
     "admin_revoke_roles($self, username, roles, policy=None)\n--\n\nTake roles from a user."},
    parse_user_roles,
    done,
    admin_verb::revoke_roles,
    2};
security_kind admin_query_user_info_kind{
    {parameters(query_user_info_arguments),
     "admin_query_user_info($self, username, policy=None)\n--\n\nWhat is known of a user."},
    parse_user,
    one_user,
    admin_verb::query_users,
    1};
security_kind admin_query_users_info_kind{
    {parameters(query_users_info_arguments),
     "admin_query_users_info($self, policy=None)\n--\n\nWhat is known of every user."},
    parse_nothing,
    every_user,
    admin_verb::query_users,
    0};
security_kind admin_create_role_kind{
    {parameters(create_role_arguments),
     "admin_create_role($self, role, privileges, policy=None, whitelist=None, read_quota=0, write_quota=0)\n--\n\n"
     "Make a role of privileges, for clients of these addresses; quotas are records per second, 0 is none."},
    parse_new_role,
    done,
    admin_verb::create_role,
    2};
security_kind admin_drop_role_kind{
    {parameters(drop_role_arguments), "admin_drop_role($self, role, policy=None)\n--\n\nRemove a role."},
    parse_role,
    done,
    admin_verb::drop_role,
    1};
security_kind admin_grant_privileges_kind{
    {parameters(grant_privileges_arguments),
     "admin_grant_privileges($self, role, privileges, policy=None)\n--\n\nAdd privileges to a role."},
    parse_role_privileges,
    done,
    admin_verb::grant_privileges,
    2};
security_kind admin_revoke_privileges_kind{
    {parameters(revoke_privileges_arguments),
     "admin_revoke_privileges($self, role, privileges, policy=None)\n--\n\nTake privileges from a role."},
    parse_role_privileges,
    done,
    admin_verb::revoke_privileges,
    2};
security_kind admin_query_role_kind{
    {parameters(query_role_arguments), "admin_query_role($self, role, policy=None)\n--\n\nWhat a role gives."},
    parse_role,
    one_role,
    admin_verb::query_roles,
    1};
security_kind admin_query_roles_kind{
    {parameters(query_roles_arguments), "admin_query_roles($self, policy=None)\n--\n\nWhat every role gives."},
    parse_nothing,
    every_role,
    admin_verb::query_roles,
    0};
security_kind admin_set_whitelist_kind{
    {parameters(set_whitelist_arguments),
     "admin_set_whitelist($self, role, whitelist, policy=None)\n--\n\n"
     "Replace the addresses that users of a role may come from; an empty list allows every one."},
    parse_whitelist,
    done,
    admin_verb::set_allowlist,
    2};
security_kind admin_set_quotas_kind{{parameters(set_quotas_arguments),
                                     "admin_set_quotas($self, role, read_quota=0, write_quota=0, policy=None)\n--\n\n"
                                     "Replace the quotas of a role, in records per second; 0 is none."},
                                    parse_quotas,
                                    done,
                                    admin_verb::set_quotas,
                                    3};

}  // namespace aero::py
