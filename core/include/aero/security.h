// Users and roles of a cluster: what a client asks to have changed, and what it is told of them.
//
// Plain values. A request is views into the caller's memory, needed only until the function that takes it returns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aero/secret.h"

namespace aero {

// The numbers of the protocol. Those from `read` on can be given for one namespace, or for one set of it.
enum class privilege_code : uint8_t {
    user_admin = 0,
    sys_admin = 1,
    data_admin = 2,
    udf_admin = 3,
    sindex_admin = 4,
    read = 10,
    read_write = 11,
    read_write_udf = 12,
    write = 13,
    truncate = 14,
    masking_admin = 15,
    read_masked = 16,
    write_masked = 17,
};
constexpr bool has_scope(privilege_code what) noexcept { return what >= privilege_code::read; }

struct privilege {
    privilege_code what = privilege_code::read;
    std::string name_space{};  // empty: every one
    std::string set{};         // empty: every one of the namespace
    bool operator==(const privilege&) const = default;
};

struct user_info {
    std::string name;
    std::vector<std::string> roles{};
    uint32_t connections = 0;  // at the node that was asked
    // Quota, rate of single records, rate of queries, queries without limit; empty where nothing is counted.
    std::vector<uint32_t> reads{};
    std::vector<uint32_t> writes{};
    bool operator==(const user_info&) const = default;
};

struct role_info {
    std::string name;
    std::vector<privilege> privileges{};
    std::vector<std::string> allowlist{};  // addresses and blocks of them; empty: from everywhere
    uint32_t read_quota = 0;               // records per second; 0: none
    uint32_t write_quota = 0;
    bool operator==(const role_info&) const = default;
};

enum class admin_verb : uint8_t {
    create_user,
    drop_user,
    change_password,  // of our own user by the old one, and then used for logins to come; of others by right
    grant_roles,
    revoke_roles,
    query_users,
    create_role,
    drop_role,
    grant_privileges,
    revoke_privileges,
    set_allowlist,  // replaces it
    set_quotas,
    query_roles,
};

struct admin_request {
    admin_verb what = admin_verb::query_users;
    std::string_view name{};  // of the user or the role; a query without one is for all
    const secret* password = nullptr;
    const secret* password_hash = nullptr;  // of it; without one it is made here, which takes some 50 ms
    std::span<const std::string> roles{};
    std::span<const privilege> privileges{};
    std::span<const std::string> allowlist{};
    uint32_t read_quota = 0;
    uint32_t write_quota = 0;
};

// The answer to a query; nothing otherwise.
struct admin_reply {
    std::vector<user_info> users;
    std::vector<role_info> roles;
};

}  // namespace aero
