// The users and roles of a server. Without any user at its start security is off, and stays off.
//
// Shared by all nodes of a server; any thread. A user is replaced whole when anything about him changes, so that
// whoever holds one sees no half of a change; `version` tells that it is time to look again.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "aero/error.h"
#include "options.h"
#include "secure/address_block.h"
#include "secure/rights.h"

namespace aero_server {

struct user {
    uint64_t id = 0;  // never that of another
    std::string name;
    aero::secret hash;
    bool expired = false;  // his password is
    std::vector<std::string> roles{};
    // What his roles give him.
    permit may{};
    std::vector<address_block> from{};  // empty: from everywhere
    uint32_t read_quota = 0;
    uint32_t write_quota = 0;

    bool may_come_from(const ip_address& where) const noexcept;
};
using user_ptr = std::shared_ptr<const user>;

class users {
  public:
    // Empty text when all is well, otherwise what is wrong with an option. Before anything else.
    std::string take(const std::vector<user_option>& given);
    bool security_on() const noexcept { return on_; }
    uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
    user_ptr find(std::string_view name) const;  // null: there is none
    user_ptr find(uint64_t id) const;

    std::vector<user_ptr> all() const;
    std::vector<aero::role_info> all_roles() const;  // in the order of their names, predefined ones included

    // The changes, as an administrator asks for them. ok, or the code that says why not.
    aero::code create_user(std::string_view name, std::string_view hash, const std::vector<std::string>& roles);
    aero::code drop_user(std::string_view name);
    aero::code set_password(std::string_view name, std::string_view hash);
    aero::code change_password(std::string_view name, std::string_view old_hash, std::string_view hash);
    aero::code grant_roles(std::string_view name, const std::vector<std::string>& roles);
    aero::code revoke_roles(std::string_view name, const std::vector<std::string>& roles);
    aero::code create_role(aero::role_info made);
    aero::code drop_role(std::string_view name);
    aero::code grant_privileges(std::string_view role, const std::vector<aero::privilege>& given);
    aero::code revoke_privileges(std::string_view role, const std::vector<aero::privilege>& given);
    aero::code set_allowlist(std::string_view role, std::vector<std::string> addresses);
    // Absent ones stay as they are.
    aero::code set_quotas(std::string_view role, std::optional<uint32_t> read, std::optional<uint32_t> write);

  private:
    static constexpr size_t entries_max = 100'000;  // users, and roles
    struct known_role {
        aero::role_info what;
        bool predefined = false;
    };
    // REQUIRES: lock_ is held, for all of these
    bool know_all(const std::vector<std::string>& roles) const;
    void put(user changed);
    aero::code put_password(const user& whose, std::string_view hash);
    template <class Change>
    aero::code change_role(std::string_view name, Change change);
    void derive(user& of) const;
    void derive_all();

    bool on_ = false;
    std::atomic<uint64_t> version_{1};
    mutable std::mutex lock_;
    uint64_t last_id_ = 0;  // guarded by lock_, as is what follows
    std::map<std::string, user_ptr, std::less<>> users_;
    std::map<std::string, known_role, std::less<>> roles_;
};

}  // namespace aero_server
